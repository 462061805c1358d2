// The mark and the name.
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" strokeWidth="2.6" strokeLinecap="round">
        <circle cx="16" cy="13" r="4.5" />
        <path d="M16 17.5V25M16 21.5h4" />
      </g>
    </svg>
  );
}

export function Brand() {
  return (
    <span className="brand">
      <Mark />
      Keyward
    </span>
  );
}
