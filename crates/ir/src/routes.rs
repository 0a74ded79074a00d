//! Routes in order, each of which may be another table's as well: previews have most of theirs from their baseline.

use std::iter::Map;
use std::slice;
use std::sync::Arc;

use crate::Route;

/// Routes, tried in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Routes(Vec<Arc<Route>>);

/// Goes through routes.
type Iter<'r> = Map<slice::Iter<'r, Arc<Route>>, fn(&'r Arc<Route>) -> &'r Route>;

impl Routes {
    /// Each, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.0.iter().map(Arc::as_ref)
    }

    /// The same, for other tables to have.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.0.iter()
    }

    /// The same, to be changed: of what others have, a copy is made.
    pub fn iter_mut(&mut self) -> slice::IterMut<'_, Arc<Route>> {
        self.0.iter_mut()
    }

    /// The last.
    #[must_use]
    pub fn last(&self) -> Option<&Route> {
        self.0.last().map(Arc::as_ref)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'r> IntoIterator for &'r Routes {
    type Item = &'r Route;
    type IntoIter = Iter<'r>;

    fn into_iter(self) -> Iter<'r> {
        self.iter()
    }
}

impl<'r> IntoIterator for &'r mut Routes {
    type Item = &'r mut Arc<Route>;
    type IntoIter = slice::IterMut<'r, Arc<Route>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl From<Vec<Route>> for Routes {
    fn from(routes: Vec<Route>) -> Self {
        routes.into_iter().collect()
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<I: IntoIterator<Item = Route>>(routes: I) -> Self {
        routes.into_iter().map(Arc::new).collect()
    }
}

impl FromIterator<Arc<Route>> for Routes {
    fn from_iter<I: IntoIterator<Item = Arc<Route>>>(routes: I) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.shrink_to_fit();
        Self(routes)
    }
}
