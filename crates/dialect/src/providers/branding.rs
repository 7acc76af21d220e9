//! The product's branding on a card.

/// Name, colour and description that a card shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branding<'a> {
    /// The project's name, or the dialect's title.
    pub(crate) signed: &'a str,
    /// `#rrggbb`.
    pub(crate) accent_color: Option<&'a str>,
    /// Of the event's type, from the catalogue.
    pub(crate) description: Option<&'a str>,
}
