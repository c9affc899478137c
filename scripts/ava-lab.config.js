/** The lab: all of it in one boot of a guest kernel with one CPU, where everything takes longer. */
export default {
  files: ['dist/test/lab/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '600s',
};
