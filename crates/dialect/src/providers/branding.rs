//! How the product looks on a card.

/// How the product looks on a card.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branding<'a> {
    /// Whose events they are: the project's name.
    pub(crate) signed: &'a str,
    /// `#rrggbb`.
    pub(crate) accent_color: Option<&'a str>,
    /// Of the event's type, from the catalogue.
    pub(crate) description: Option<&'a str>,
}
