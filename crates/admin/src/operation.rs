//! What an operation of the operators' port is: one value that routes, document and door are made from.

use std::future::Future;
use std::pin::Pin;

use http::{Method, StatusCode};
use keyward_api::failure::Failure;
use keyward_core::route::Endpoint;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::answer::Reply;
use crate::call::Call;

/// Where all of them are.
pub(crate) const PREFIX: &str = "/admin/v1";

/// The longest body, in bytes, of an operation that says nothing of it.
const BODY: usize = 64 * 1024;
/// The same where strangers may send one.
pub(crate) const STRANGERS_BODY: usize = 8 * 1024;

/// The schema of a type.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;
/// What comes of a call.
pub(crate) type Coming<'c> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'c>>;
/// What does it.
pub(crate) type Run = for<'c> fn(&'c Call) -> Coming<'c>;

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    /// As HTTP has it.
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody: it asks for something else than a credential.
    Public,
    /// Whoever signed in: it is about oneself.
    Session,
    /// Whoever shows a credential that counts.
    Anyone,
    /// Who has this scope by name.
    Scope(&'static str),
}

/// What a body is.
#[derive(Clone, Copy)]
pub(crate) enum Sent {
    /// Nothing is read.
    Nothing,
    /// JSON of this shape.
    Json(Shape),
    /// JSON of this shape, or nothing at all.
    Maybe(Shape),
    /// A text of this kind.
    Text(&'static str),
}

/// What is answered where it went well.
#[derive(Clone, Copy)]
pub(crate) enum Given {
    /// JSON of this shape.
    Json(StatusCode, Shape),
    /// 204.
    Nothing,
    /// JSON of any shape: a document.
    Document,
    /// A text of one of these kinds.
    Text(&'static [&'static str]),
}

/// An operation.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    /// Its name, such as `keys.list`. Decisions are recorded under `admin:` and this.
    pub(crate) id: &'static str,
    /// Its method.
    pub(crate) verb: Verb,
    /// Its path below [`PREFIX`], such as `/keys/{id}`.
    pub(crate) path: &'static str,
    /// Who may call.
    pub(crate) access: Access,
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
    /// What the query may say.
    pub(crate) query: Option<Shape>,
    /// What the body is.
    pub(crate) sent: Sent,
    /// What is answered.
    pub(crate) given: Given,
    /// Which statuses it refuses with beside those that any operation may.
    pub(crate) refuses: &'static [u16],
    /// The endpoint of the data plane in whose words it refuses, where it does the same as one.
    pub(crate) as_endpoint: Option<Endpoint>,
    /// Whether it changes what somebody else may change as well, so that it says which version it is meant for.
    pub(crate) is_conditional: bool,
    /// Whether it is carried out once under an `Idempotency-Key`.
    pub(crate) is_once: bool,
    /// The longest body, in bytes.
    pub(crate) body: usize,
    /// What does it.
    pub(crate) run: Run,
}

impl Operation {
    /// One that says nothing yet.
    pub(crate) const NEW: Self = Self {
        id: "",
        verb: Verb::Get,
        path: "",
        access: Access::Anyone,
        summary: "",
        query: None,
        sent: Sent::Nothing,
        given: Given::Nothing,
        refuses: &[],
        as_endpoint: None,
        is_conditional: false,
        is_once: false,
        body: BODY,
        run: |_| Box::pin(async { Err(Failure::invalid("there is nothing to do")) }),
    };

    /// The whole path.
    pub(crate) fn full_path(&self) -> String {
        format!("{PREFIX}{}", self.path)
    }

    /// The names of the segments that vary, in order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        let variable = |segment: &'static str| segment.strip_prefix('{')?.strip_suffix('}');
        self.path.split('/').filter_map(variable)
    }
}

/// The shape of a type.
pub(crate) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
