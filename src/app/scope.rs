//! What the panes are turned to: a stack, so that `,` undoes one step, with a visible breadcrumb.

/// One step of narrowing. Later signals add time range, trace and incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Only this service.
    pub service: String,
}

/// The steps taken, innermost last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeStack(Vec<Scope>);

impl ScopeStack {
    /// The most a stack holds; the oldest step is forgotten first.
    const DEPTH: usize = 16;

    /// What holds now.
    pub fn current(&self) -> Option<&Scope> {
        self.0.last()
    }

    /// The service that holds now.
    pub fn service(&self) -> Option<&str> {
        self.current().map(|scope| scope.service.as_str())
    }

    /// Narrows; a step that changes nothing is not taken.
    pub fn push(&mut self, scope: Scope) -> Stepped {
        if self.current() == Some(&scope) {
            return Stepped::Nowhere;
        }
        if self.0.len() == Self::DEPTH {
            self.0.remove(0);
        }
        self.0.push(scope);
        Stepped::Moved
    }

    /// Undoes the last step.
    pub fn pop(&mut self) -> Stepped {
        match self.0.pop() {
            Some(_) => Stepped::Moved,
            None => Stepped::Nowhere,
        }
    }

    /// `checkout › payment`, outermost first; empty without a scope.
    pub fn breadcrumb(&self) -> String {
        self.0
            .iter()
            .map(|scope| scope.service.as_str())
            .collect::<Vec<_>>()
            .join(" › ")
    }
}

/// Whether a step changed the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It did.
    Moved,
    /// It did not.
    Nowhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(service: &str) -> Scope {
        Scope {
            service: service.to_owned(),
        }
    }

    #[test]
    fn scopes_stack_and_undo_in_order() {
        let mut stack = ScopeStack::default();
        assert_eq!(stack.push(scope("checkout")), Stepped::Moved);
        assert_eq!(stack.push(scope("checkout")), Stepped::Nowhere);
        assert_eq!(stack.push(scope("payment")), Stepped::Moved);
        assert_eq!(stack.breadcrumb(), "checkout › payment");
        assert_eq!(stack.pop(), Stepped::Moved);
        assert_eq!(stack.service(), Some("checkout"));
        stack.pop();
        assert_eq!(stack.pop(), Stepped::Nowhere);
    }
}
