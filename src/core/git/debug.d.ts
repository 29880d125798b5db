/** The part of simple-git's logger that Deliver uses; it comes without types. */
declare module 'debug' {
  const debug: { log: (...args: unknown[]) => void };
  export default debug;
}
