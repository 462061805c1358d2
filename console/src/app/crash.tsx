// A mistake in a page ends that page, not the console.
import { Component, type ReactNode } from "react";
import { Button } from "../ui/button";
import { ProblemNote } from "../ui/note";

export class Crash extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="stack">
        <ProblemNote error={this.state.error} />
        <div>
          <Button onClick={() => window.location.reload()}>Load the page again</Button>
        </div>
      </div>
    );
  }
}
