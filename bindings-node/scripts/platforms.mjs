/** The platforms that are released: what npm chooses by, and what cargo builds. zig links against the oldest glibc named. */
export const PLATFORMS = {
  'linux-x64-gnu': { npm: { os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, target: 'x86_64-unknown-linux-gnu', glibc: '2.17' },
  'linux-arm64-gnu': { npm: { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] }, target: 'aarch64-unknown-linux-gnu', glibc: '2.17' },
  'darwin-arm64': { npm: { os: ['darwin'], cpu: ['arm64'] }, target: 'aarch64-apple-darwin' },
};

/** Returns the platform of this machine. Asking for the C library takes milliseconds. */
export function platform() {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return name;
  return `${name}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}
