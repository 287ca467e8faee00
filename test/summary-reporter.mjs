/** Prints one line with the numbers of passed and failed tests at the end of a run, for machines. */
export default class SummaryReporter {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = results;
    // jest counts no failed test for a suite that could not run
    const failedCount = numFailedTests + numRuntimeErrorTestSuites;
    const skippedCount = numPendingTests + numTodoTests;
    const line = `${numPassedTests} passed, ${failedCount} failed${skippedCount === 0 ? '' : `, ${skippedCount} skipped`}`;
    // jest prints its own summary after all reporters
    process.once('exit', () => process.stderr.write(`${line}\n`));
  }
}
