/** Makes a file or folder, whose maker says that it must be new; one that is there already is left as it is. */
export function unlessThere(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
