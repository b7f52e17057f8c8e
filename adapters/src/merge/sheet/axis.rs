//! Where the rows, or the columns, of a template's sheet went.
//!
//! Loops write a line of the template many times, conditions may not write it at all. Each writing keeps
//! the iterations of the loops that it stood in, so that what refers to a line from within the same
//! iteration finds that iteration's, and what refers to it from outside finds all of them.

use std::{collections::BTreeMap, ops::Range};

/// Lines of the template written one after the other.
#[derive(Debug, Clone, Copy)]
struct Span {
    template: usize,
    count: usize,
    output: usize,
    scope: Option<usize>,
}

/// One iteration of one loop.
#[derive(Debug)]
struct Scope {
    /// Which loop of the template.
    of: usize,
    iteration: usize,
    parent: Option<usize>,
    /// The spans written in it.
    spans: Range<usize>,
}

/// The rows or the columns of one sheet.
#[derive(Debug)]
pub(in crate::merge) struct Axis {
    spans: Vec<Span>,
    scopes: Vec<Scope>,
    /// The spans that begin at a line of the template, in order.
    written: BTreeMap<usize, Vec<usize>>,
    /// The loops under way: which one, and how many iterations it had.
    open: Vec<(usize, usize)>,
    scope: Option<usize>,
    next: usize,
    last: usize,
}

/// A written line: the index of its span.
pub(in crate::merge) type Place = usize;

impl Axis {
    /// An axis of which nothing is written yet, and which cannot be longer than `last`.
    pub(in crate::merge) fn new(last: usize) -> Self {
        Self {
            spans: Vec::new(),
            scopes: Vec::new(),
            written: BTreeMap::new(),
            open: Vec::new(),
            scope: None,
            next: 1,
            last,
        }
    }

    /// The loop `of` begins.
    pub(in crate::merge) fn open(&mut self, of: usize) {
        self.open.push((of, 0));
    }

    /// Its next iteration begins.
    pub(in crate::merge) fn iterate(&mut self) {
        self.end_iteration();
        let Some((of, count)) = self.open.last_mut() else {
            return;
        };
        *count += 1;
        self.scopes.push(Scope {
            of: *of,
            iteration: *count,
            parent: self.scope,
            spans: self.spans.len()..self.spans.len(),
        });
        self.scope = Some(self.scopes.len() - 1);
    }

    fn end_iteration(&mut self) {
        if let Some((_, 1..)) = self.open.last()
            && let Some(scope) = self.scope
        {
            self.scopes[scope].spans.end = self.spans.len();
            self.scope = self.scopes[scope].parent;
        }
    }

    /// The loop that began last ends.
    pub(in crate::merge) fn close(&mut self) {
        self.end_iteration();
        self.open.pop();
    }

    /// Writes `count` lines, from the template's line `template` on.
    pub(in crate::merge) fn write(&mut self, template: usize, count: usize) -> Place {
        let place = self.spans.len();
        self.spans.push(Span {
            template,
            count,
            output: self.next,
            scope: self.scope,
        });
        self.written.entry(template).or_default().push(place);
        self.next += count;
        place
    }

    /// What lies beyond the template's line `last` follows, unchanged.
    pub(in crate::merge) fn finish(&mut self, last: usize) {
        let count = self
            .last
            .saturating_sub(last)
            .min((self.last + 1).saturating_sub(self.next));
        if count > 0 {
            let next = self.next;
            self.write(last + 1, count);
            self.next = next;
        }
    }

    /// The line that was written at `place`.
    pub(in crate::merge) fn output(&self, place: Place) -> usize {
        self.spans[place].output
    }

    /// The line of the template that was written at `place`.
    pub(in crate::merge) fn template(&self, place: Place) -> usize {
        self.spans[place].template
    }

    /// The iterations that `place` stands in, innermost first: loop and rank, from 1.
    pub(in crate::merge) fn iterations(&self, place: Place) -> Vec<(usize, usize)> {
        self.scopes_of(self.spans[place].scope)
            .map(|scope| (self.scopes[scope].of, self.scopes[scope].iteration))
            .collect()
    }

    fn scopes_of(&self, innermost: Option<usize>) -> impl Iterator<Item = usize> {
        std::iter::successors(innermost, |scope| self.scopes[*scope].parent)
    }

    /// The spans that hold `line` of the template.
    fn holding(&self, line: usize) -> &[usize] {
        match self.written.range(..=line).next_back() {
            Some((_, places)) if self.holds(places[0], line) => places,
            _ => &[],
        }
    }

    fn holds(&self, place: Place, line: usize) -> bool {
        let span = self.spans[place];
        (span.template..span.template + span.count).contains(&line)
    }

    /// The spans that hold `line` of the template, in order.
    pub(in crate::merge) fn written(&self, line: usize) -> impl Iterator<Item = Place> {
        self.holding(line).iter().copied()
    }

    /// Where `line` of the template, or the nearest that the span has, is written at `place`.
    pub(in crate::merge) fn at(&self, place: Place, line: usize) -> usize {
        let span = self.spans[place];
        span.output + line.saturating_sub(span.template).min(span.count - 1)
    }

    /// The spans among which `line` is to be found from `from`: those of the iterations that both share.
    /// A fixed line, as `$3` is, stays where it is while its formula is copied from iteration to iteration.
    fn shared(&self, line: usize, from: Option<Place>, fixed: bool) -> Range<usize> {
        let everywhere = 0..self.spans.len();
        let (Some(from), Some(sample)) = (from, self.holding(line).first()) else {
            return everywhere;
        };
        let loops: Vec<usize> = self
            .scopes_of(self.spans[*sample].scope)
            .map(|scope| self.scopes[scope].of)
            .collect();
        let mut scopes = self
            .scopes_of(self.spans[from].scope)
            .skip_while(|scope| !loops.contains(&self.scopes[*scope].of));
        if fixed {
            scopes.next();
        }
        scopes
            .next()
            .map_or(everywhere, |scope| self.scopes[scope].spans.clone())
    }

    /// The one line that a reference to `line` means from `from`, if it was written.
    pub(in crate::merge) fn one(
        &self,
        line: usize,
        from: Option<Place>,
        fixed: bool,
    ) -> Option<usize> {
        let shared = self.shared(line, from, fixed);
        let mut places = self.holding(line).iter().copied();
        let found = match from {
            Some(from) if !fixed => places
                .filter(|place| shared.contains(place))
                .min_by_key(|place| place.abs_diff(from)),
            _ => places.find(|place| shared.contains(place)),
        };
        found.map(|place| self.at(place, line))
    }

    /// The first and last lines that the range from `first` to `last` means from `from`.
    pub(in crate::merge) fn range(
        &self,
        (first, first_fixed): (usize, bool),
        (last, last_fixed): (usize, bool),
        from: Option<Place>,
    ) -> Option<(usize, usize)> {
        let start = self.shared(first, from, first_fixed);
        let end = self.shared(last, from, last_fixed);
        let within = |places: &[usize], shared: &Range<usize>| -> Option<(usize, usize)> {
            let mut places = places.iter().copied().filter(|at| shared.contains(at));
            let one = places.next()?;
            Some((one, places.next_back().unwrap_or(one)))
        };
        let lines = self.lines(first, last);
        let from = lines
            .clone()
            .find_map(|places| within(places, &start))
            .map(|(place, _)| self.at(place, first))?;
        let until = lines
            .rev()
            .find_map(|places| within(places, &end))
            .map(|(_, place)| self.at(place, last))?;
        Some((from.min(until), from.max(until)))
    }

    /// The spans that hold a line of the range, by their lines in the template.
    fn lines(
        &self,
        first: usize,
        last: usize,
    ) -> impl DoubleEndedIterator<Item = &Vec<usize>> + Clone {
        let before = self.written.range(..first).next_back();
        before
            .filter(|(_, places)| self.holds(places[0], first))
            .into_iter()
            .chain(self.written.range(first..=last.max(first)))
            .map(|(_, places)| places)
    }

    /// Each written copy of the lines from `first` to `last`: one for every iteration that holds them whole.
    pub(in crate::merge) fn copies(&self, first: usize, last: usize) -> Vec<(usize, usize)> {
        let loops = |line: usize| -> Vec<usize> {
            let scope = self
                .holding(line)
                .first()
                .map(|place| self.spans[*place].scope);
            let mut loops: Vec<usize> = self
                .scopes_of(scope.flatten())
                .map(|scope| self.scopes[scope].of)
                .collect();
            loops.reverse();
            loops
        };
        let (one, other) = (loops(first), loops(last));
        let shared = one.iter().zip(&other).take_while(|(a, b)| a == b).last();
        let whole = |spans: Range<usize>| {
            let mut lines = self.lines(first, last);
            let within = |places: &&Vec<usize>| places.iter().any(|at| spans.contains(at));
            let start = lines.clone().find(within)?;
            let end = lines.rfind(within)?;
            let start = start.iter().find(|at| spans.contains(at))?;
            let end = end.iter().rfind(|at| spans.contains(at))?;
            Some((self.at(*start, first), self.at(*end, last)))
        };
        match shared {
            None => whole(0..self.spans.len()).into_iter().collect(),
            Some((of, _)) => self
                .scopes
                .iter()
                .filter(|scope| scope.of == *of)
                .filter_map(|scope| whole(scope.spans.clone()))
                .collect(),
        }
    }

    /// The runs of lines that come from the lines between `first` and `last`, and nothing else.
    pub(in crate::merge) fn runs(&self, first: usize, last: usize) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = self
            .lines(first, last)
            .flatten()
            .map(|place| (self.at(*place, first), self.at(*place, last)))
            .collect();
        runs.sort_unstable();
        runs.into_iter().fold(Vec::new(), |mut runs, (from, to)| {
            match runs.last_mut() {
                Some((_, end)) if from <= *end + 1 => *end = (*end).max(to),
                _ => runs.push((from, to)),
            }
            runs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows: 1 title, 2 `for g`, 3 group, 4 `for d`, 5 repeated, 6 `endfor`, 7 subtotal, 8 `endfor`, 9 total.
    fn groups(sizes: &[usize]) -> Axis {
        let mut axis = Axis::new(100);
        axis.write(1, 1);
        axis.open(0);
        for size in sizes {
            axis.iterate();
            axis.write(3, 1);
            axis.open(1);
            for _ in 0..*size {
                axis.iterate();
                axis.write(5, 1);
            }
            axis.close();
            axis.write(7, 1);
        }
        axis.close();
        axis.write(9, 1);
        axis.finish(9);
        axis
    }

    fn subtotals(axis: &Axis) -> Vec<Option<(usize, usize)>> {
        let places = axis.written.get(&7).cloned().unwrap_or_default();
        places
            .into_iter()
            .map(|place| axis.range((5, false), (5, false), Some(place)))
            .collect()
    }

    #[test]
    fn a_group_adds_its_own_rows_and_the_total_all_of_them() {
        let axis = groups(&[2, 0, 1]);
        // 1 title; 2 3 4 5; 6 7; 8 9 10; 11 total.
        assert_eq!(subtotals(&axis), [Some((3, 4)), None, Some((9, 9))]);
        let total = axis.spans.len() - 2;
        assert_eq!(axis.output(total), 11);
        assert_eq!(
            axis.range((5, false), (5, false), Some(total)),
            Some((3, 9))
        );
        assert_eq!(
            axis.range((4, false), (6, false), Some(total)),
            Some((3, 9))
        );
        assert_eq!(axis.runs(5, 5), [(3, 4), (9, 9)]);
        assert_eq!(axis.copies(3, 7), [(2, 5), (6, 7), (8, 10)]);
        assert_eq!(axis.one(20, None, false), Some(22));
    }

    #[test]
    fn a_row_finds_the_row_of_its_own_iteration() {
        let mut axis = Axis::new(100);
        axis.open(0);
        for _ in 0..3 {
            axis.iterate();
            axis.write(2, 1);
            axis.write(3, 1);
        }
        axis.close();
        axis.finish(4);
        // 2 3, 2 3, 2 3
        assert_eq!(axis.one(3, Some(2), false), Some(4));
        assert_eq!(axis.one(2, Some(3), false), Some(3));
        assert_eq!(axis.one(2, Some(3), true), Some(1));
    }

    #[test]
    fn a_fixed_end_of_a_range_stays_while_the_other_follows() {
        let mut axis = Axis::new(100);
        axis.open(0);
        for _ in 0..3 {
            axis.iterate();
            axis.write(2, 1);
        }
        axis.close();
        axis.finish(3);
        assert_eq!(axis.range((2, true), (2, false), Some(1)), Some((1, 2)));
        assert_eq!(axis.range((2, false), (2, true), Some(1)), Some((2, 3)));
        assert_eq!(axis.range((2, true), (2, true), Some(1)), Some((1, 3)));
        assert_eq!(axis.range((2, false), (2, false), Some(1)), Some((2, 2)));
    }
}
