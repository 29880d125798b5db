/** Of one report, unpacked, and of all together. */
const most = { report: 20 << 20, all: 100 << 20, count: 1000 };

/** The XML files in an archive; else why it has none that can be read. Sizes are bounded before anything is unpacked. */
export async function unzipReports(archive: Buffer): Promise<readonly Buffer[] | string> {
  const { unzipSync } = await import('fflate');
  let all = 0;
  let count = 0;
  let excess: string | undefined;
  try {
    const files = unzipSync(archive, {
      filter: ({ name, originalSize, size }) => {
        if (excess !== undefined || !/\.xml$/i.test(name)) return false;
        all += Math.max(originalSize, size);
        count += 1;
        // The room for it is what it declares: a longer one cannot take more.
        if (originalSize > most.report) excess = `one is larger than ${most.report >> 20} MB`;
        else if (all > most.all) excess = `they are larger than ${most.all >> 20} MB`;
        else if (count > most.count) excess = `they are more than ${most.count}`;
        return excess === undefined;
      },
    });
    return excess ?? Object.values(files).map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return 'the archive is broken';
  }
}
