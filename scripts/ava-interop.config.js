/** Tests with other BGP daemons: mostly waiting for their timers, so tests and files go on side by side. */
export default {
  files: ['dist/test/integration/interop/**/*.test.js'],
  workerThreads: false,
  concurrency: 3,
  timeout: '300s',
};
