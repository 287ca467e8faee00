// The Realtime server runs this script, and itself tells GameLift that it is ready. So the script has nothing to do.
exports.ssExports = { init() {} };
