//! How pages look that tell people what went wrong.

use std::path::PathBuf;

use clap::Args;
use nuncio_auth::{Look, Theme};

/// The operator's own.
#[derive(Args, Clone, Debug, Default)]
pub struct Pages {
    /// The name of the site, which pages have above them and in their title
    #[arg(long, env = "NUNCIO_AUTHZ_PAGE_NAME", value_name = "TEXT")]
    pub page_name: Option<String>,
    /// A picture above pages: PNG, JPEG, WebP or SVG, of 32 KiB at most
    #[arg(long, env = "NUNCIO_AUTHZ_PAGE_LOGO", value_name = "FILE")]
    pub page_logo: Option<PathBuf>,
    /// The colour of pages
    #[arg(long, env = "NUNCIO_AUTHZ_PAGE_BACKGROUND", value_name = "#RRGGBB", requires = "page_text")]
    pub page_background: Option<String>,
    /// The colour of what is written there
    #[arg(long, env = "NUNCIO_AUTHZ_PAGE_TEXT", value_name = "#RRGGBB", requires = "page_background")]
    pub page_text: Option<String>,
    /// The colour of a line above pages
    #[arg(long, env = "NUNCIO_AUTHZ_PAGE_ACCENT", value_name = "#RRGGBB")]
    pub page_accent: Option<String>,
}

impl Pages {
    /// The theme of that.
    ///
    /// # Errors
    /// When the picture cannot be read, or browsers could not show it all, or some people not read it.
    pub(crate) fn theme(&self) -> Result<Theme, String> {
        let read = |path: &PathBuf| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let logo = self.page_logo.as_ref().map(read).transpose()?;
        let look = Look {
            name: self.page_name.as_deref(),
            logo: logo.as_deref(),
            colors: self.page_background.as_deref().zip(self.page_text.as_deref()),
            accent: self.page_accent.as_deref(),
        };
        Theme::new(&look).map_err(|error| format!("pages: {error}"))
    }
}
