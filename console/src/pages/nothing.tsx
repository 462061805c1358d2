// A path that leads nowhere.
import { LinkButton } from "../ui/button";
import { Empty } from "../ui/empty";
import { Page } from "../ui/page";

export function Nothing() {
  return (
    <Page title="Nothing here">
      <div className="card">
        <Empty icon="search" title="This address leads to no page" text="It may be of another version of the console.">
          <LinkButton to="/">To the overview</LinkButton>
        </Empty>
      </div>
    </Page>
  );
}
