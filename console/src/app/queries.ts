// The cache of answers. What the server refused is not asked again by itself; what it did not answer is.
import { QueryClient } from "@tanstack/react-query";
import { Problem } from "../api/problem";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      networkMode: "always",
      retry: (failures, error) => Problem.from(error).isNoAnswer && failures < 1,
    },
    mutations: { networkMode: "always" },
  },
});
