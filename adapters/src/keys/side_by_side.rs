//! Work of the processor that is the same for many things, on all its cores.

use std::{num::NonZeroUsize, thread};

/// With fewer, it is done before other threads have begun.
const WORTH_IT: usize = 64;

/// What `of` makes of each of these, in order.
pub(super) fn side_by_side<T: Send, R: Send>(items: Vec<T>, of: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    if items.len() < WORTH_IT || cores == 1 {
        return items.into_iter().map(of).collect();
    }
    let each = items.len().div_ceil(cores);
    let mut rest = items.into_iter();
    let of = &of;
    thread::scope(|scope| {
        let mut others = vec![];
        let first: Vec<T> = rest.by_ref().take(each).collect();
        loop {
            let part: Vec<T> = rest.by_ref().take(each).collect();
            if part.is_empty() {
                break;
            }
            others.push(scope.spawn(move || part.into_iter().map(of).collect::<Vec<R>>()));
        }
        let mut made: Vec<R> = first.into_iter().map(of).collect();
        for other in others {
            match other.join() {
                Ok(part) => made.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_side_by_side_is_in_order_and_whole() {
        for count in [0, 1, WORTH_IT - 1, WORTH_IT, 1_001] {
            let made = side_by_side((0..count).collect(), |number| number * 2);
            let wanted: Vec<_> = (0..count).map(|number| number * 2).collect();
            assert_eq!(made, wanted);
        }
    }
}
