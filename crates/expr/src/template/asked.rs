//! What a template asks for of what it is given.

use super::parse::{Node, Operand, Pipeline};

/// The fields of the value that the template is given, each as the way to it. What `with` and `range` make of the dot is not
/// looked into.
pub(super) fn fields(nodes: &[Node]) -> Vec<&[String]> {
    let mut asked = Asked { fields: Vec::new() };
    asked.nodes(nodes, true);
    asked.fields
}

struct Asked<'t> {
    fields: Vec<&'t [String]>,
}

impl<'t> Asked<'t> {
    /// `is_whole` says that the dot is the value that the template is given.
    fn nodes(&mut self, nodes: &'t [Node], is_whole: bool) {
        for node in nodes {
            match node {
                Node::Text(_) | Node::Break | Node::Continue => {}
                Node::Action(pipeline) => self.pipeline(pipeline, is_whole),
                Node::If { condition, then, otherwise } => {
                    self.pipeline(condition, is_whole);
                    self.nodes(then, is_whole);
                    self.nodes(otherwise, is_whole);
                }
                Node::With { value, then: body, otherwise } | Node::Range { value, body, otherwise } => {
                    self.pipeline(value, is_whole);
                    self.nodes(body, false);
                    self.nodes(otherwise, is_whole);
                }
            }
        }
    }

    fn pipeline(&mut self, pipeline: &'t Pipeline, is_whole: bool) {
        pipeline.commands.iter().flatten().for_each(|operand| self.operand(operand, is_whole));
    }

    fn operand(&mut self, operand: &'t Operand, is_whole: bool) {
        match operand {
            Operand::Fields(of, fields) => match &**of {
                Operand::Dot if is_whole => self.fields.push(fields),
                // `$`, which stays what the template is given.
                Operand::Variable(name) if name.is_empty() => self.fields.push(fields),
                other => self.operand(other, is_whole),
            },
            Operand::Pipeline(pipeline) => self.pipeline(pipeline, is_whole),
            _ => {}
        }
    }
}
