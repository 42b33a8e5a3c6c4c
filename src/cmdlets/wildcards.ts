// Texts with stars in them, as -like and a few parameters take them. Pure.

/** Whether `pattern` fits the whole text; `*` stands for anything. Not by a regular expression, which many stars would slow down beyond measure. */
export function matchesWildcards(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || first.length > end) return false;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}
