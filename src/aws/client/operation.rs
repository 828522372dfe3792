//! What an operation of the API is: its input, its output, and how the input is sent.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An operation of the API; the type that implements it is the operation's input.
pub trait Operation: Serialize + Send + Sync {
    /// How the input is sent.
    const BINDING: Binding;
    /// The response. An empty body is read as an empty object.
    type Output: DeserializeOwned + Send;
}

/// An operation that returns one page at a time.
pub trait Paged: Operation + Clone {
    /// What is listed.
    type Item: Send;
    /// The same request, for the page that `token` names (the first, if there is none).
    #[must_use]
    fn page(&self, token: Option<String>) -> Self;
    /// A response's items, and the token of the next page.
    fn split(output: Self::Output) -> (Vec<Self::Item>, Option<String>);
}

/// Which of the service's two hosts serves an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Spaces, services, associations, private connections and tags: host prefix `cp.`.
    Control,
    /// Assets and triggers: host prefix `dp.`.
    Data,
}

/// Whether a request may be sent again when its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Twice has the same effect as once.
    Safe,
    /// Twice may create two remotes, or lose a secret that is shown only once.
    Never,
}

/// How an operation's input is sent. Members that are not in the path, `query` or `headers` are the body.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The operation's name.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The host that serves it.
    pub plane: Plane,
    /// The path, with labels such as `{agentSpaceId}` and the greedy `{path+}`.
    pub path: &'static str,
    /// Members that are query parameters; a list is repeated.
    pub query: &'static [&'static str],
    /// Members that are headers, with the header's name.
    pub headers: &'static [(&'static str, &'static str)],
    /// The member that makes a retry safe; filled in if the caller omitted it.
    pub token: Option<&'static str>,
    /// Whether there is a JSON body.
    pub body: bool,
    /// Whether the request may be sent again.
    pub repeat: Repeat,
    /// Whether it only reads: nothing in AWS is different afterwards.
    pub reads: bool,
}

impl Binding {
    const fn new(method: &'static str, plane: Plane, path: &'static str, body: bool, repeat: Repeat) -> Self {
        Self {
            name: "",
            method,
            plane,
            path,
            query: &[],
            headers: &[],
            token: None,
            body,
            repeat,
            reads: false,
        }
    }

    pub(crate) const fn get(plane: Plane, path: &'static str) -> Self {
        Self::new("GET", plane, path, false, Repeat::Safe).reading()
    }

    pub(crate) const fn delete(plane: Plane, path: &'static str) -> Self {
        Self::new("DELETE", plane, path, false, Repeat::Safe)
    }

    /// An update describes the desired state, so it may be repeated.
    pub(crate) const fn patch(plane: Plane, path: &'static str) -> Self {
        Self::new("PATCH", plane, path, true, Repeat::Safe)
    }

    /// Never retried unless [`Self::safe`] or [`Self::token`] says otherwise.
    pub(crate) const fn post(plane: Plane, path: &'static str) -> Self {
        Self::new("POST", plane, path, true, Repeat::Never)
    }

    /// A POST that only reads.
    pub(crate) const fn ask(plane: Plane, path: &'static str) -> Self {
        Self::prompt(plane, path).reading()
    }

    /// A POST that has AWS do something that needs no input, and may be repeated.
    pub(crate) const fn prompt(plane: Plane, path: &'static str) -> Self {
        Self::new("POST", plane, path, false, Repeat::Safe)
    }

    const fn reading(mut self) -> Self {
        self.reads = true;
        self
    }

    pub(crate) const fn safe(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }

    pub(crate) const fn token(mut self, member: &'static str) -> Self {
        self.token = Some(member);
        self.safe()
    }

    pub(crate) const fn query(mut self, members: &'static [&'static str]) -> Self {
        self.query = members;
        self
    }

    pub(crate) const fn headers(mut self, members: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = members;
        self
    }

    pub(crate) const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The members that are labels of the path, and whether each is greedy.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(label, _)| label.strip_suffix('+').map_or((label, false), |label| (label, true)))
    }
}

/// Declares an operation: its input struct (camelCase on the wire, absent members omitted), its binding and its output.
/// Debug shows where the request is sent, never its body.
macro_rules! operation {
    ($(#[$meta:meta])* $name:ident -> $output:ty, $binding:expr, { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(missing_docs, reason = "the members are the API's own")]
        pub struct $name {
            $(
                #[serde(skip_serializing_if = "crate::aws::client::wire::Absent::is_absent")]
                pub $field: $type,
            )*
        }

        impl crate::aws::Operation for $name {
            const BINDING: crate::aws::Binding = {
                #[allow(unused_imports, reason = "not every operation needs both")]
                use crate::aws::{Binding, Plane::{Control, Data}};
                $binding.named(stringify!($name))
            };
            type Output = $output;
        }

        #[cfg(test)]
        impl $name {
            pub(crate) const MEMBERS: &[&str] = &[$(stringify!($field)),*];
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::aws::client::redact::debug_operation(self, f)
            }
        }
    };
}

/// Declares an operation's response, or part of one. Members that the service omits, or sends as null, get the type's
/// default unless they are `required`; unknown members are ignored. Debug omits the `hidden` ones: what the model calls
/// sensitive, and documents that may contain such.
macro_rules! output {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty $(= $how:ident)?),* $(,)? }) => {
        output!(@struct [$(#[$meta])*] $name [] $($field: $type $(= $how)?,)*);

        #[cfg(test)]
        #[allow(dead_code, reason = "not every part of an answer is a shape of its own")]
        impl $name {
            pub(crate) const MEMBERS: &[&str] = &[$(stringify!($field)),*];
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), output!(@shown self.$field $($how)?)))*
                    .finish()
            }
        }
    };
    (@shown $value:ident.$field:ident hidden) => { &crate::aws::client::redact::Hidden };
    (@shown $value:ident.$field:ident $(required)?) => { &$value.$field };
    (@struct [$($meta:tt)*] $name:ident [$($done:tt)*] $field:ident: $type:ty = required, $($rest:tt)*) => {
        output!(@struct [$($meta)*] $name [$($done)* pub $field: $type,] $($rest)*);
    };
    (@struct [$($meta:tt)*] $name:ident [$($done:tt)*] $field:ident: $type:ty $(= hidden)?, $($rest:tt)*) => {
        output!(@struct [$($meta)*] $name [
            $($done)*
            #[serde(default, deserialize_with = "crate::aws::client::wire::or_default")]
            pub $field: $type,
        ] $($rest)*);
    };
    (@struct [$($meta:tt)*] $name:ident [$($done:tt)*]) => {
        $($meta)*
        #[derive(Clone, Default, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(missing_docs, reason = "the members are the API's own")]
        pub struct $name { $($done)* }
    };
}

/// Declares that an operation returns pages, and which member of the response is the list.
macro_rules! paged {
    ($name:ident, $member:ident: $item:ty) => {
        impl crate::aws::Paged for $name {
            type Item = $item;

            #[allow(clippy::needless_update, reason = "some lists have no other members")]
            fn page(&self, token: Option<String>) -> Self {
                Self { next_token: token, max_results: self.max_results.or(Some(100)), ..self.clone() }
            }

            fn split(output: Self::Output) -> (Vec<Self::Item>, Option<String>) {
                (output.$member, output.next_token)
            }
        }
    };
}

pub(crate) use {operation, output, paged};
