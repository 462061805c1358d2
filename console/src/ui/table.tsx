// A list of records: columns where there is room, cards on a phone; with places held while it loads.
import type { ReactNode } from "react";
import { Button } from "./button";
import { Icon } from "./icon";
import { ProblemNote } from "./note";

export interface Column<T> {
  /** Empty: the cell says itself what it is. */
  name: string;
  cell: (row: T) => ReactNode;
  kind?: "number" | "act" | "fit";
  /** The word to sort by. */
  sort?: string;
}

export interface Sorting {
  by: string;
  order: "asc" | "desc";
  onSort: (by: string, order: "asc" | "desc") => void;
}

interface TableProps<T> {
  /** For screen readers. */
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[] | undefined;
  id: (row: T) => string;
  sorting?: Sorting;
  error?: unknown;
  empty: ReactNode;
  more?: { has: boolean; busy: boolean; load: () => void };
  foot?: ReactNode;
}

export function Table<T>(props: TableProps<T>) {
  const { caption, columns, rows, id, sorting, error, empty, more, foot } = props;
  if (error && !rows) {
    return (
      <div className="card card-body">
        <ProblemNote error={error} />
      </div>
    );
  }
  if (rows?.length === 0) return <div className="card">{empty}</div>;
  return (
    <div className="card">
      <div className="table-frame">
        <table className="table cards" aria-busy={rows === undefined}>
          <caption className="hidden-text">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.name || "main"} column={column} sorting={sorting} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows === undefined
              ? ["a", "b", "c", "d", "e"].map((place) => <Bones key={place} columns={columns.length} />)
              : rows.map((row) => (
                  <tr key={id(row)}>
                    {columns.map((column) => (
                      <td
                        key={column.name || "main"}
                        className={column.kind}
                        data-label={column.kind === "act" ? "" : column === columns[0] ? "" : column.name}
                      >
                        {column.cell(row)}
                      </td>
                    ))}
                  </tr>
                ))}
          </tbody>
        </table>
      </div>
      {(more?.has || foot) && (
        <div className="table-foot">
          <span>{foot}</span>
          {more?.has && (
            <Button size="small" busy={more.busy} onClick={more.load}>
              Load more
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function Head<T>({ column, sorting }: { column: Column<T>; sorting: Sorting | undefined }) {
  const { name, sort, kind } = column;
  if (kind === "act") {
    return (
      <th scope="col">
        <span className="hidden-text">{name}</span>
      </th>
    );
  }
  if (!sort || !sorting) {
    return (
      <th scope="col" className={kind}>
        {name}
      </th>
    );
  }
  const isBy = sorting.by === sort;
  const next = isBy && sorting.order === "desc" ? "asc" : "desc";
  return (
    <th scope="col" className={kind} aria-sort={isBy ? (sorting.order === "asc" ? "ascending" : "descending") : "none"}>
      <button type="button" className="sort" onClick={() => sorting.onSort(sort, next)}>
        {name}
        {isBy && <Icon name={sorting.order === "asc" ? "up" : "down"} />}
      </button>
    </th>
  );
}

function Bones({ columns }: { columns: number }) {
  return (
    <tr>
      {Array.from({ length: columns }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: places held, nothing else
        <td key={place}>
          <span className="bone" />
        </td>
      ))}
    </tr>
  );
}
