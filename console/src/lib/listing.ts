// A list that comes page by page, and the filters of it that stand in the address.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { replaceQuery, usePlace } from "./router";

interface PageOf<T> {
  data: T[];
  nextCursor?: string | null;
}

export function useListing<T>(key: readonly unknown[], load: (cursor: string | undefined) => Promise<PageOf<T>>) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  return {
    rows: query.data?.pages.flatMap((page) => page.data),
    error: query.error,
    more: { has: query.hasNextPage, busy: query.isFetchingNextPage, load: () => void query.fetchNextPage() },
  };
}

/** A filter that stands in the address, so that it lives through "back" and can be sent to a colleague. */
export function useFilter(name: string): [string, (value: string) => void] {
  const { query } = usePlace();
  return [query.get(name) ?? "", (value) => replaceQuery({ [name]: value || undefined })];
}

/** As `useFilter`, for what is typed: asked for once the typing rests. */
export function useTypedFilter(name: string): [string, string, (value: string) => void] {
  const [settled, settle] = useFilter(name);
  const [typed, setTyped] = useState(settled);
  useEffect(() => {
    if (typed === settled) return;
    const timer = setTimeout(() => settle(typed), 250);
    return () => clearTimeout(timer);
  }, [typed, settled, settle]);
  return [settled, typed, setTyped];
}

export function useSorting(first: string) {
  const { query } = usePlace();
  const order: "asc" | "desc" = query.get("order") === "asc" ? "asc" : "desc";
  return {
    by: query.get("sort") ?? first,
    order,
    onSort: (sort: string, next: "asc" | "desc") => replaceQuery({ sort, order: next }),
  };
}
