// Line icons, drawn here: one path each on a grid of 24.
const PATHS = {
  overview: "M4 19V5M4 19h16M8 15l3.5-4 3 2.5L20 8",
  key: "M15 14a5 5 0 1 0-4.8-3.6L4 16.6V20h3.4v-2.200h2.2v-2.2l1.900-1.7c1 .7 2.2 1.1 3.5 1.1ZM15.8 8.200h.01",
  users:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
  account: "M4 20V7l8-3.5L20 7v13M4 20h16M9 20v-5h6v5M8.5 10h.01M12 10h.01M15.5 10h.01",
  plan: "M4 7l8-4 8 4-8 4-8-4ZM4 12l8 4 8-4M4 17l8 4 8-4",
  role: "M12 3l7.5 3v5.5c0 4.5-3.2 7.8-7.5 9.5-4.3-1.7-7.5-5-7.5-9.5V6L12 3ZM9 12l2.2 2.2L15.5 10",
  session: "M4 5h16v11H4zM9 20h6M12 16v4",
  signing: "M4 20l1-4L16 5l3 3L8 19l-4 1ZM13.5 7.5l3 3M12 20h8",
  audit: "M6 3h9l4 4v14H6zM14.5 3v4.5H19M9.5 12h6M9.5 16h6",
  decisions: "M5 4v16M5 8h9l-2.5-3M5 15h13l-2.5-3M14 8l-2.5 3M18 15l-2.5 3",
  explain: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM9.7 9.5a2.4 2.4 0 1 1 3.6 2c-.8.5-1.3 1-1.3 2M12 16.5h.01",
  config: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.8v4.4M6 14.8v4.4M10 14.8v4.4M18 4.8v4.4",
  health: "M3 12h4l2.5-6 5 12 2.5-6h4",
  book: "M5 4.5h6a2 2 0 0 1 2 2V20a2 2 0 0 0-2-1.5H5zM19 4.5h-4a2 2 0 0 0-2 2V20a2 2 0 0 1 2-1.5h4z",
  start: "M5 19c0-4 3-5 3-9 2-6 8-7 12-6 1 4 0 10-6 12-4 0-5 3-9 3ZM14.5 9.5h.01M5 19l4-4",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16.2 16.2 20 20",
  plus: "M12 5v14M5 12h14",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.5 10 17.5 19.5 7",
  cross: "M6 6l12 12M18 6 6 18",
  warn: "M12 4 2.5 20h19L12 4ZM12 10v4.5M12 17.3h.01",
  info: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 11.5v5M12 8h.01",
  menu: "M4 7h16M4 12h16M4 17h16",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  leave: "M14 4H5v16h9M10 12h11M17.5 8.5 21 12l-3.5 3.5",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  chevron: "M7 10l5 5 5-5",
  back: "M15 5l-7 7 7 7",
  rotate: "M20 11A8 8 0 0 0 5.5 7.5L4 9M4 4v5h5M4 13a8 8 0 0 0 14.5 3.5L20 15M20 20v-5h-5",
  pause: "M9 5v14M15 5v14",
  play: "M7 4.5v15l12-7.5-12-7.5Z",
  stop: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM6 6l12 12",
  export: "M12 15V4M7.5 8.5 12 4l4.5 4.5M4 16v4h16v-4",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
