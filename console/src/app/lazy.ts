// Pages that are loaded when somebody comes to them.
import { lazy } from "react";

export const Invitation = lazy(() => import("../pages/invitation"));
