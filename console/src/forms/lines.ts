// What people write in lines or with commas, as a list; `undefined`: nothing.
export function lines(text: string): string[] | undefined {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return parts.length > 0 ? parts : undefined;
}
