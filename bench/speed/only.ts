/** Whether a row is asked for: by its whole name or by the first parts of it, up to a slash; an empty `only` asks for all. */
export const isAskedFor = (name: string, only: string): boolean => only === '' || `${name}/`.startsWith(`${only}/`);
