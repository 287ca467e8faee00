// A Realtime script needs no more than this: the server around it tells GameLift that it is ready.
exports.ssExports = { init() {} };
