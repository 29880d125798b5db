/** The cause of a failed system call, and the remedy. */
const causes: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  EACCES: ['permission denied', 'check its owner and its mode'],
  EAGAIN: ['the system has no free process', 'end some programs, or raise the limit (ulimit -u)'],
  EBUSY: ['another program uses it', 'close that program'],
  EDQUOT: ['the disk quota is used up', 'free some space'],
  EEXIST: ['it exists already', 'remove it'],
  EFBIG: ['it would exceed the size limit', 'raise the limit (ulimit -f)'],
  EIO: ['the disk reported an error', 'check the disk'],
  EISDIR: ['it is a folder', 'remove the folder'],
  ELOOP: ['its symbolic links form a loop', 'remove the loop'],
  EMFILE: ['too many files are open', 'close some programs, or raise the limit (ulimit -n)'],
  ENAMETOOLONG: ['its name is too long', 'choose a shorter name'],
  ENFILE: ['the system has too many open files', 'close some programs'],
  ENOENT: ['it does not exist', 'check the path'],
  ENOMEM: ['memory ran out', 'close some programs'],
  ENOSPC: ['the disk is full', 'free some space'],
  ENOTDIR: ['a folder of its path is a file', 'remove that file'],
  ENOTEMPTY: ['the folder is not empty', 'remove its content'],
  EPERM: ['permission denied', 'check its owner and its mode'],
  EROFS: ['the file system is read-only', 'mount it writable, or choose another folder'],
  ETXTBSY: ['it is running', 'end the program'],
  EXDEV: ['it lies on another file system', 'choose a folder on the same one'],
};

const networkCauses: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'it did not answer in time',
  EADDRINUSE: 'another program uses the address',
};

const verbs: readonly (readonly [RegExp, string])[] = [
  [/^(?:read|readlink|scandir|opendir|l?stat|fstat|access|realpath)$/, 'read'],
  [/^(?:write|writev|fsync|fdatasync|ftruncate|close|utimes?|futimes?|f?chmod|f?chown)$/, 'written'],
  [/^(?:mkdir|mkdtemp|mkfifo|link|symlink|copyfile|cp)$/, 'created'],
  [/^(?:unlink|rmdir|rm)$/, 'removed'],
  [/^rename$/, 'renamed'],
  [/^watch$/, 'watched'],
  [/^(?:kill|spawn|fork|exec)/, 'started'],
];

/** Returns the sentence that an error of a system call means: the file, the cause and the remedy. Undefined for other errors. */
export function systemMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall = '', path: file, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === undefined) return undefined;
  if (syscall === 'uv_cwd') return 'the current folder no longer exists: change to another folder';
  if (networkCauses[code] !== undefined && /^(?:connect|listen|read|write)$/.test(syscall) && file === undefined) {
    const place = address === undefined ? '' : ` to ${address}${port === undefined ? '' : `:${port}`}`;
    return `the connection${place} failed: ${networkCauses[code]}`;
  }
  if (code === 'E2BIG') return 'the command and its environment are too long: move values to files';
  const known = causes[code];
  if (!known || !syscall) return undefined;
  const [cause, remedy] = known;
  if (code === 'EPERM' && syscall === 'kill') return 'a process of another user cannot be ended';
  if (syscall === 'watch' && (code === 'EMFILE' || code === 'ENOSPC'))
    return `${file ?? 'a folder'} could not be watched: the system has no free file watcher`;
  const verb = verbs.find(([name]) => name.test(syscall))?.[1] ?? 'opened';
  const subject = file ?? (verb === 'started' ? 'a program' : 'a file');
  return `${subject} could not be ${verb}: ${cause} (${remedy})`;
}
