//! Fingerprints of Rust sources that only a change of meaning changes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// What the sources come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Types, constants, and macros but for the texts in them.
    pub(super) declarations: u64,
    /// Functions, `impl` blocks, and macros whole.
    pub(super) code: u64,
}

/// The items of a crate, without its tests.
pub(super) struct Sources {
    items: Vec<syn::Item>,
}

impl Sources {
    /// Reads every Rust file among and below `paths`, in the order of their names.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut items = Vec::new();
        for path in rust_files(paths)? {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            items.extend(
                parse(&text).with_context(|| format!("failed to parse {}", path.display()))?,
            );
        }
        Ok(Self { items })
    }

    /// The value of `ABI_VERSION`.
    pub(super) fn version(&self) -> Option<u32> {
        self.items.iter().find_map(|item| match item {
            syn::Item::Const(constant) if constant.ident == "ABI_VERSION" => {
                match &*constant.expr {
                    syn::Expr::Lit(syn::ExprLit {
                        lit: syn::Lit::Int(number),
                        ..
                    }) => number.base10_parse().ok(),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// The fingerprint of everything but `ABI_VERSION`.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut declarations = Fnv::default();
        let mut code = Fnv::default();
        for item in &self.items {
            match item {
                syn::Item::Use(_) | syn::Item::Mod(_) | syn::Item::ExternCrate(_) => {}
                syn::Item::Const(constant) if constant.ident == "ABI_VERSION" => {}
                syn::Item::Fn(_) | syn::Item::Impl(_) => {
                    code.tokens(item.to_token_stream(), Texts::Count);
                }
                // The texts in a macro's list are for people: what a reason means may be said better.
                syn::Item::Macro(list) => {
                    declarations.tokens(list.to_token_stream(), Texts::Skip);
                    code.tokens(list.to_token_stream(), Texts::Count);
                }
                _ => declarations.tokens(item.to_token_stream(), Texts::Count),
            }
        }
        Fingerprint {
            declarations: declarations.0,
            code: code.0,
        }
    }
}

fn rust_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(rust_files(&entries(path)?)?);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            files.push(path.clone());
        }
    }
    files.sort();
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let entries: std::io::Result<_> = list();
    entries.with_context(|| format!("failed to list {}", folder.display()))
}

/// The items of one file, those of its inline modules included and those for tests left out.
fn parse(text: &str) -> Result<Vec<syn::Item>, syn::Error> {
    Ok(flatten(syn::parse_file(text)?.items))
}

fn flatten(items: Vec<syn::Item>) -> Vec<syn::Item> {
    items
        .into_iter()
        .flat_map(|item| match item {
            syn::Item::Mod(module) if is_for_tests(&module.attrs) => Vec::new(),
            syn::Item::Mod(syn::ItemMod {
                content: Some((_, items)),
                ..
            }) => flatten(items),
            item => vec![item],
        })
        .collect()
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    })
}

/// Whether texts in quotation marks are taken up.
#[derive(Clone, Copy, PartialEq)]
enum Texts {
    Count,
    Skip,
}

/// FNV-1a, 64 bits: the same on every machine and in every Rust, which std's hashers do not promise.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(b"\n") {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes the tokens up, without documentation (to Rust an attribute) and without the commas that the formatter
    /// puts behind the last of several lines.
    fn tokens(&mut self, tokens: TokenStream, texts: Texts) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Punct(mark)
                    if mark.as_char() == '#' && tokens.peek().is_some_and(is_documentation) =>
                {
                    tokens.next();
                }
                TokenTree::Punct(mark) if mark.as_char() == ',' && tokens.peek().is_none() => {}
                TokenTree::Group(group) => {
                    let (open, close) = delimiters(group.delimiter());
                    self.bytes(open);
                    self.tokens(group.stream(), texts);
                    self.bytes(close);
                }
                TokenTree::Literal(literal)
                    if texts == Texts::Skip && literal.to_string().starts_with('"') => {}
                token => self.bytes(token.to_string().as_bytes()),
            }
        }
    }
}

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

fn delimiters(delimiter: Delimiter) -> (&'static [u8], &'static [u8]) {
    match delimiter {
        Delimiter::Parenthesis => (b"(", b")"),
        Delimiter::Brace => (b"{", b"}"),
        Delimiter::Bracket => (b"[", b"]"),
        Delimiter::None => (b"", b""),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, Sources, parse};

    fn fingerprint(text: &str) -> Fingerprint {
        sources(text).fingerprint()
    }

    fn sources(text: &str) -> Sources {
        Sources {
            items: parse(text).expect("the text is Rust"),
        }
    }

    const SLOT: &str = "pub struct Slot { pub meta: u64, pub port: u16 }";

    #[test]
    fn comments_format_and_tests_do_not_count() {
        let same = "
            /// A slot of the table.
            pub struct Slot {
                pub meta: u64, // when, where, how
                /// Network byte order.
                pub port: u16,
            }
            #[cfg(test)]
            mod tests { struct Other; }
        ";
        assert_eq!(fingerprint(SLOT), fingerprint(same));
    }

    #[test]
    fn documentation_inside_a_macro_does_not_count() {
        assert_eq!(
            fingerprint("reasons! { /// Too short.\n Short = 1, Long = 2 }"),
            fingerprint("reasons! {\n    Short = 1,\n    /// Too long.\n    Long = 2,\n}")
        );
    }

    #[test]
    fn a_text_in_a_macro_is_no_declaration_but_its_numbers_are() {
        let before = fingerprint("reasons! { Short = 1, \"too short\" }");
        let reworded = fingerprint("reasons! { Short = 1, \"cut off\" }");
        assert_eq!(before.declarations, reworded.declarations);
        assert_ne!(before.code, reworded.code, "a person is asked all the same");
        let renumbered = fingerprint("reasons! { Short = 2, \"too short\" }");
        assert_ne!(before.declarations, renumbered.declarations);
    }

    #[test]
    fn every_change_of_a_declaration_counts() {
        for other in [
            "pub struct Slot { pub port: u16, pub meta: u64 }",
            "pub struct Slot { pub meta: u64, pub port: u32 }",
            "#[repr(C)] pub struct Slot { pub meta: u64, pub port: u16 }",
            "pub struct Slot { pub meta: u64, pub port: u16, pub flags: u16 }",
        ] {
            assert_ne!(
                fingerprint(SLOT).declarations,
                fingerprint(other).declarations,
                "{other}"
            );
        }
        assert_ne!(
            fingerprint("pub mod map { pub const SLOTS: &str = \"slots\"; }").declarations,
            fingerprint("pub mod map { pub const SLOTS: &str = \"slot\"; }").declarations
        );
    }

    #[test]
    fn code_is_told_from_declarations() {
        let before = fingerprint("struct A; impl A { fn tick(&self) -> u64 { 1 } } fn f() {}");
        let after = fingerprint("struct A; impl A { fn tick(&self) -> u64 { 2 } } fn f() {}");
        assert_eq!(before.declarations, after.declarations);
        assert_ne!(before.code, after.code);
    }

    #[test]
    fn the_version_is_read_and_left_out_of_the_fingerprint() {
        let first = sources("/// Of the maps.\npub const ABI_VERSION: u32 = 1;\nstruct A;");
        let second = sources("pub const ABI_VERSION: u32 = 2; struct A;");
        assert_eq!((first.version(), second.version()), (Some(1), Some(2)));
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(sources("struct A;").version(), None);
    }
}
