//! Rust source as the rules need it: what it names, declares and builds, without comments and without test code.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Ident, Token, UseTree, punctuated::Punctuated};

/// A path of names, like `std::fs::read`; an import of several is several, a keyword is a path of one.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// A name that is given here.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// How many lines it spans.
    pub(crate) lines: usize,
}

/// `Name { … }` as an expression.
#[derive(Debug)]
pub(crate) struct Construction {
    pub(crate) name: String,
    /// The function that it stands in.
    pub(crate) function: String,
    pub(crate) line: usize,
}

/// A trait that a type gets, by `derive` or by `impl`.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) line: usize,
}

/// What one file holds.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(crate) mentions: Vec<Mention>,
    pub(crate) functions: Vec<Named>,
    /// Structs, enums, traits, type aliases, unions, modules.
    pub(crate) types: Vec<Named>,
    pub(crate) constructions: Vec<Construction>,
    pub(crate) derives: Vec<Derived>,
    /// How many lines are `#[cfg(test)]` modules.
    pub(crate) test_lines: usize,
    function: String,
    implementing: String,
}

impl Code {
    /// Reads a file; the error is the line where it stops being Rust.
    pub(crate) fn parse(text: &str) -> Result<Self, usize> {
        let file = syn::parse_file(text).map_err(|error| error.span().start().line)?;
        let mut code = Self::default();
        code.visit_file(&file);
        Ok(code)
    }

    fn mention(&mut self, path: Vec<String>, span: Span) {
        self.mentions.push(Mention { path, line: span.start().line });
    }

    fn keyword(&mut self, word: &str, span: Span) {
        self.mention(vec![word.to_owned()], span);
    }

    fn declare(&mut self, name: &Ident) {
        self.types.push(Named { name: name.unraw().to_string(), line: name.span().start().line, lines: 1 });
    }

    fn derive(&mut self, of: &Ident, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let paths = attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
            for path in paths.into_iter().flatten() {
                self.derives.push(Derived { name: last(&path), of: of.to_string(), line: path.span().start().line });
            }
        }
    }

    /// Notes a function and goes through its body.
    fn function(&mut self, signature: &syn::Signature, whole: Span, body: impl FnOnce(&mut Self)) {
        let line = signature.fn_token.span.start().line;
        let name = signature.ident.to_string();
        self.functions.push(Named { name: name.clone(), line, lines: whole.end().line.saturating_sub(line) + 1 });
        let outer = std::mem::replace(&mut self.function, name);
        body(self);
        self.function = outer;
    }

    /// Each name of an import, from its first segment on.
    fn import(&mut self, mut path: Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.unraw().to_string());
                self.import(path, &step.tree);
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.import(path.clone(), item)),
            UseTree::Name(name) => {
                path.push(name.ident.unraw().to_string());
                self.mention(path, name.span());
            }
            UseTree::Rename(name) => {
                path.push(name.ident.unraw().to_string());
                self.mention(path, name.span());
            }
            _ => self.mention(path, tree.span()),
        }
    }

    /// Runs of names in the tokens of a macro, which have no grammar that we know.
    fn raw(&mut self, tokens: TokenStream) {
        let mut run: Vec<String> = Vec::new();
        let mut start = Span::call_site();
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.flush(&mut run, start);
                        start = name.span();
                    }
                    run.push(name.unraw().to_string());
                    colons = 0;
                }
                other => {
                    self.flush(&mut run, start);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.raw(group.stream());
                    }
                }
            }
        }
        self.flush(&mut run, start);
    }

    fn flush(&mut self, run: &mut Vec<String>, start: Span) {
        if !run.is_empty() {
            self.mention(std::mem::take(run), start);
        }
    }
}

fn last(path: &syn::Path) -> String {
    path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
}

fn only_in_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<Ident>().is_ok_and(|name| name == "test")
    })
}

impl<'ast> Visit<'ast> for Code {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if only_in_tests(&item.attrs) {
            let span = item.span();
            self.test_lines += span.end().line.saturating_sub(span.start().line) + 1;
            return;
        }
        self.declare(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !only_in_tests(&item.attrs) {
            self.function(&item.sig, item.span(), |code| visit::visit_item_fn(code, item));
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !only_in_tests(&item.attrs) {
            self.function(&item.sig, item.span(), |code| visit::visit_impl_item_fn(code, item));
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.span(), |code| visit::visit_trait_item_fn(code, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if only_in_tests(&item.attrs) {
            return;
        }
        let name = match &*item.self_ty {
            syn::Type::Path(path) => last(&path.path),
            _ => String::new(),
        };
        if let Some((path, _)) = &item.trait_ {
            self.derives.push(Derived { name: last(path), of: name.clone(), line: path.span().start().line });
        }
        let outer = std::mem::replace(&mut self.implementing, name);
        visit::visit_item_impl(self, item);
        self.implementing = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !only_in_tests(&item.attrs) {
            self.import(Vec::new(), &item.tree);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.declare(&item.ident);
        self.derive(&item.ident, &item.attrs);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.declare(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.declare(&item.ident);
        visit::visit_item_union(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.declare(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.declare(&item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.keyword("static", item.static_token.span);
        visit::visit_item_static(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(token) = &signature.asyncness {
            self.keyword("async", token.span());
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expr: &'ast syn::ExprAsync) {
        self.keyword("async", expr.async_token.span);
        visit::visit_expr_async(self, expr);
    }

    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.keyword("await", expr.await_token.span);
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_struct(&mut self, expr: &'ast syn::ExprStruct) {
        let name = last(&expr.path);
        let name = if name == "Self" { self.implementing.clone() } else { name };
        let line = expr.span().start().line;
        self.constructions.push(Construction { name, function: self.function.clone(), line });
        visit::visit_expr_struct(self, expr);
    }

    /// Documentation is no code, though the compiler takes it for an attribute.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if !attribute.path().is_ident("doc") {
            visit::visit_attribute(self, attribute);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
        self.mention(names, path.span());
        visit::visit_path(self, path);
    }

    /// Most macros take expressions; whatever they take, the names in them count.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        match Punctuated::<Expr, Token![,]>::parse_terminated.parse2(call.tokens.clone()) {
            Ok(expressions) => {
                for expression in &expressions {
                    self.visit_expr(expression);
                }
            }
            Err(_) => self.raw(call.tokens.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Code::parse(text).unwrap().mentions.iter().map(|mention| mention.path.join("::")).collect()
    }

    #[test]
    fn imports_are_spelled_out() {
        assert_eq!(
            paths("use std::{fs, io::{self as x, Read}, net::*};"),
            ["std::fs", "std::io::self", "std::io::Read", "std::net"]
        );
    }

    #[test]
    fn macros_hide_nothing() {
        assert!(paths("fn f() { assert!(std::fs::exists(x)); }").contains(&"std::fs::exists".to_owned()));
        assert!(paths("fn f() { odd!(a => tokio::spawn { b }); }").contains(&"tokio::spawn".to_owned()));
        let code = Code::parse("impl P { fn f() { vec![Self { x: 1 }]; } }").unwrap();
        assert_eq!(code.constructions[0].name, "P");
    }

    #[test]
    fn tests_comments_and_lifetimes_are_no_code() {
        let text = "//! std::fs\nfn f(x: &'static str) {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        let code = Code::parse(text).unwrap();
        assert_eq!(paths(text), ["str"]);
        assert_eq!(code.test_lines, 4);
    }

    #[test]
    fn functions_know_their_length() {
        let code = Code::parse("/// Doc.\nfn f() {\n    g();\n}\n").unwrap();
        assert_eq!((code.functions[0].line, code.functions[0].lines), (2, 3));
    }

    #[test]
    fn what_is_no_rust_says_where() {
        assert_eq!(Code::parse("fn f() {}\nfn {").unwrap_err(), 2);
    }
}
