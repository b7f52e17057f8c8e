//! Checks that every block opens and closes at matching places, without which the document would not stay
//! well-formed.

use super::{
    cells::SHAPES,
    tag::{Kind, Tag},
    xml::Node,
};
use navette_domain::ports::TemplateFault;

/// Says which blocks are not closed, or cross the document's structure.
pub(super) fn check(nodes: &[Node]) -> Vec<TemplateFault> {
    let mut checker = Checker::default();
    checker.walk(nodes);
    for (tag, _) in std::mem::take(&mut checker.open) {
        checker.fault(
            &tag,
            format!("bloc non fermé : il manque {{% end{} %}}", tag.keyword()),
        );
    }
    checker.faults
}

#[derive(Default)]
struct Checker {
    path: Vec<(String, usize)>,
    serial: usize,
    open: Vec<(Tag, Vec<(String, usize)>)>,
    faults: Vec<TemplateFault>,
}

impl Checker {
    fn walk(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Tag(tag) => self.see(tag),
                Node::Element(element) => {
                    self.serial += 1;
                    self.path.push((element.name.clone(), self.serial));
                    self.walk(&element.children);
                    self.path.pop();
                }
                Node::Text(_) | Node::Raw(_) => {}
            }
        }
    }

    fn see(&mut self, tag: &Tag) {
        match tag.kind {
            Kind::Open => self.open.push((tag.clone(), self.path.clone())),
            Kind::Middle | Kind::Close => {
                let opening = if tag.kind == Kind::Close {
                    self.open.pop()
                } else {
                    self.open.last().cloned()
                };
                let Some((opening, path)) = opening else {
                    self.fault(tag, "aucun bloc ouvert ne correspond à cette balise".into());
                    return;
                };
                if tag.kind == Kind::Close && tag.keyword()[3..] != *opening.keyword() {
                    let expected = opening.keyword().to_owned();
                    self.fault(
                        tag,
                        format!(
                            "le bloc ouvert par « {} » ({}) se ferme par {{% end{expected} %}}",
                            opening.written, opening.place
                        ),
                    );
                } else if !matching(&path, &self.path) {
                    self.fault(
                        tag,
                        format!(
                            "le bloc ouvert par « {} » ({}) doit se fermer au même niveau du document : \
                             même cellule, même paragraphe ou même suite de paragraphes",
                            opening.written, opening.place
                        ),
                    );
                }
            }
            Kind::Alone if SHAPES.contains(&tag.keyword()) => self.see_shape(tag),
            Kind::Print | Kind::Picture { .. } | Kind::Alone | Kind::Comment => {}
        }
    }

    /// A tag that shapes a cell has been left before it.
    fn see_shape(&mut self, tag: &Tag) {
        let keyword = tag.keyword();
        let parent = self.path.last().map(|(name, _)| name.as_str());
        let sentence = match (parent, keyword) {
            (Some("table:table-row"), "cellbg") => Some(
                "« cellbg » n'existe que dans un modèle DOCX : mettre la cellule en couleur sous condition",
            ),
            (Some("w:tr" | "table:table-row"), _) => None,
            _ => Some("cette balise s'écrit dans une cellule de tableau"),
        };
        let in_loop = || self.open.iter().any(|(tag, _)| tag.keyword() == "for");
        let sentence = match sentence {
            None if matches!(keyword, "hm" | "vm") && !in_loop() => Some(
                "cette balise fusionne les cellules d'une boucle : elle s'écrit dans une boucle",
            ),
            sentence => sentence,
        };
        if let Some(sentence) = sentence {
            self.fault(tag, sentence.into());
        }
    }

    fn fault(&mut self, tag: &Tag, sentence: String) {
        self.faults.push(tag.fault(sentence));
    }
}

/// Below what the two places share, the same elements must be open, for both cuts to fit.
fn matching(one: &[(String, usize)], other: &[(String, usize)]) -> bool {
    let shared = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let names = |path: &[(String, usize)]| -> Vec<String> {
        path[shared..]
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    names(one) == names(other)
}
