// A change, and what is asked anew after it.
import { useMutation, useQueryClient } from "@tanstack/react-query";

export function useChange<T>(of: string, change: () => Promise<T>, done: (answer: T) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (answer) => {
      queries.invalidateQueries({ queryKey: [of] });
      done(answer);
    },
  });
}
