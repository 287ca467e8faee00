/** Ends a run of the tests with one line that a machine can read. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = results;
    // a suite that could not run at all counts as a failure: jest counts no test of it
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests + numTodoTests;
    const line = `${numPassedTests} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
    // jest's own summary comes after every other reporter
    process.once('exit', () => process.stderr.write(`${line}\n`));
  }
}
