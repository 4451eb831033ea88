//! Where the boxes of a picture stand: layers from left to right, an arrow always goes to the right.
//!
//! Sugiyama's method. Layers by longest path; what is used late moves next to its user. An arrow that crosses layers
//! has a bend in each of them, and all arrows of one box share theirs, so that they run together as long as they can.
//! Barycentres order each layer, and heights come from least squares under that order.

use std::collections::BTreeSet;

/// Width and height of a box, in the units of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A point of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Upper left corner and size of each box.
    pub(super) boxes: Vec<(Point, Size)>,
    /// Each arrow: from, to, and the points it goes through, in pairs of entering and leaving a layer.
    pub(super) arrows: Vec<(usize, usize, Vec<Point>)>,
    /// The whole picture.
    pub(super) size: Size,
}

/// Space between boxes of one layer.
const GAP: f64 = 8.0;
/// Height that a bend takes.
const BEND: f64 = 3.0;
/// Space between layers, for curves.
const CHANNEL: f64 = 64.0;
/// How often layers are put in order; more changes nothing that can be seen.
const SWEEPS: usize = 24;

/// A box, or a bend of the arrows that leave one.
struct Node {
    layer: usize,
    height: f64,
    left: Vec<usize>,
    right: Vec<usize>,
}

/// Lays out boxes of these sizes. `inputs` are indices smaller than the box's own; those of `late` stand as far to
/// the right as they can.
pub(super) fn lay_out(sizes: &[Size], inputs: &[BTreeSet<usize>], late: &BTreeSet<usize>) -> Layout {
    let layers = layers(inputs, late);
    let (nodes, chains) = nodes(sizes, inputs, &layers);
    let columns = ordered(&nodes);
    let middles = middles(&nodes, &columns);
    place(sizes, inputs, &layers, &nodes, &chains, &middles)
}

/// A layer for each box, to the right of all its inputs. What is used late moves there, with all that only it needs,
/// as long as that makes arrows shorter.
fn layers(inputs: &[BTreeSet<usize>], late: &BTreeSet<usize>) -> Vec<usize> {
    let mut layers: Vec<usize> = Vec::new();
    for own in inputs {
        layers.push(own.iter().map(|input| layers[*input] + 1).max().unwrap_or(0));
    }
    let users = users(inputs);
    // A move lets others move. It is always to the right, and there is an end there.
    loop {
        let before = layers.clone();
        for index in (0..inputs.len()).rev() {
            let Some(next) = users[index].iter().map(|user| layers[*user]).min() else { continue };
            let distance = next - 1 - layers[index];
            if distance == 0 {
                continue;
            }
            let moves = [[index].into(), tail(index, &users)].map(|group| {
                let mut moved = layers.clone();
                group.iter().for_each(|index| moved[*index] += distance);
                (length(&users, &moved), moved)
            });
            let [alone, together] = &moves;
            let (shorter, moved) = if together.0 < alone.0 { together } else { alone };
            if late.contains(&index) || *shorter <= length(&users, &layers) {
                layers.clone_from(moved);
            }
        }
        if layers == before {
            return layers;
        }
    }
}

/// The box and all that only it needs, directly or not.
fn tail(index: usize, users: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut tail = BTreeSet::from([index]);
    // Inputs have smaller indices, so that one walk finds them all.
    for candidate in (0..index).rev() {
        let needed = users[candidate].iter().all(|user| tail.contains(user));
        if needed && !users[candidate].is_empty() {
            tail.insert(candidate);
        }
    }
    tail
}

/// How many layers the arrows span, those of one box counted once where they run together.
fn length(users: &[Vec<usize>], layers: &[usize]) -> usize {
    let of = |(index, users): (usize, &Vec<usize>)| {
        let last = users.iter().map(|user| layers[*user]).max().unwrap_or(layers[index]);
        last - layers[index]
    };
    users.iter().enumerate().map(of).sum()
}

fn users(inputs: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let mut users = vec![Vec::new(); inputs.len()];
    for (user, own) in inputs.iter().enumerate() {
        for input in own {
            users[*input].push(user);
        }
    }
    users
}

/// All nodes, boxes first, and for each box its bends by layer, the box itself first.
fn nodes(sizes: &[Size], inputs: &[BTreeSet<usize>], layers: &[usize]) -> (Vec<Node>, Vec<Vec<usize>>) {
    let mut nodes: Vec<Node> = sizes
        .iter()
        .zip(layers)
        .map(|(size, layer)| Node {
            layer: *layer,
            height: size.height + GAP,
            left: Vec::new(),
            right: Vec::new(),
        })
        .collect();
    let mut chains = Vec::new();
    for (index, users) in users(inputs).into_iter().enumerate() {
        let mut chain = vec![index];
        let last = users.iter().map(|user| layers[*user]).max().unwrap_or(0);
        for layer in layers[index] + 1..last {
            let bend = nodes.len();
            nodes.push(Node { layer, height: BEND + GAP / 2.0, left: Vec::new(), right: Vec::new() });
            join(&mut nodes, chain[chain.len() - 1], bend);
            chain.push(bend);
        }
        for user in users {
            join(&mut nodes, chain[layers[user] - layers[index] - 1], user);
        }
        chains.push(chain);
    }
    (nodes, chains)
}

fn join(nodes: &mut [Node], left: usize, right: usize) {
    nodes[left].right.push(right);
    nodes[right].left.push(left);
}

/// The order of each layer, with as few crossings as the sweeps find.
fn ordered(nodes: &[Node]) -> Vec<Vec<usize>> {
    let layers = nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0);
    let mut columns = vec![Vec::new(); layers];
    // Walking from the right keeps together what one box needs, which is a good start.
    let mut seen = vec![false; nodes.len()];
    let mut ends: Vec<usize> = (0..nodes.len()).filter(|index| nodes[*index].right.is_empty()).collect();
    ends.sort_by_key(|index| std::cmp::Reverse((nodes[*index].layer, *index)));
    for end in ends {
        visit(nodes, end, &mut seen, &mut columns);
    }
    let mut best = columns.clone();
    let mut fewest = crossings(nodes, &best);
    for sweep in 0..SWEEPS {
        for step in 0..layers {
            let (layer, leftwards) = if sweep % 2 == 0 { (step, false) } else { (layers - 1 - step, true) };
            sort_column(nodes, &mut columns, layer, leftwards);
        }
        let count = crossings(nodes, &columns);
        if count < fewest {
            fewest = count;
            best.clone_from(&columns);
        }
    }
    best
}

fn visit(nodes: &[Node], index: usize, seen: &mut [bool], columns: &mut [Vec<usize>]) {
    if std::mem::replace(&mut seen[index], true) {
        return;
    }
    for input in &nodes[index].left {
        visit(nodes, *input, seen, columns);
    }
    columns[nodes[index].layer].push(index);
}

/// Sorts one layer by where its neighbours on one side stand; nodes without any keep their place.
fn sort_column(nodes: &[Node], columns: &mut [Vec<usize>], layer: usize, by_right: bool) {
    let position = positions(nodes.len(), columns);
    let neighbours = |index: usize| if by_right { &nodes[index].right } else { &nodes[index].left };
    let mut keyed: Vec<(f64, usize)> = columns[layer]
        .iter()
        .map(|index| {
            let around = neighbours(*index);
            let sum: f64 = around.iter().map(|other| position[*other]).sum();
            (if around.is_empty() { position[*index] } else { sum / around.len() as f64 }, *index)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    columns[layer] = keyed.into_iter().map(|(_, index)| index).collect();
}

/// Where each node stands in its layer, from 0 to 1, so that layers of different lengths compare.
fn positions(nodes: usize, columns: &[Vec<usize>]) -> Vec<f64> {
    let mut positions = vec![0.0; nodes];
    for column in columns {
        for (place, index) in column.iter().enumerate() {
            positions[*index] = (place as f64 + 0.5) / column.len() as f64;
        }
    }
    positions
}

fn crossings(nodes: &[Node], columns: &[Vec<usize>]) -> usize {
    let position = positions(nodes.len(), columns);
    let mut count = 0;
    for column in columns {
        let mut ends: Vec<f64> = Vec::new();
        for index in column {
            let mut own: Vec<f64> = nodes[*index].right.iter().map(|right| position[*right]).collect();
            count += own.iter().map(|end| ends.iter().filter(|other| *other > end).count()).sum::<usize>();
            ends.append(&mut own);
        }
    }
    count
}

/// The height at which the middle of each node stands.
fn middles(nodes: &[Node], columns: &[Vec<usize>]) -> Vec<f64> {
    let mut middles = vec![0.0; nodes.len()];
    for column in columns {
        let mut y = 0.0;
        for index in column {
            middles[*index] = y + nodes[*index].height / 2.0;
            y += nodes[*index].height;
        }
    }
    for sweep in 0..SWEEPS {
        for step in 0..columns.len() {
            let column = if sweep % 2 == 0 { &columns[columns.len() - 1 - step] } else { &columns[step] };
            let wished: Vec<f64> = column.iter().map(|index| wish(nodes, &middles, *index)).collect();
            for (index, y) in column.iter().zip(nearest(nodes, column, &wished)) {
                middles[*index] = y;
            }
        }
    }
    let top = columns.iter().filter_map(|column| column.first());
    let top = top.map(|index| middles[*index] - nodes[*index].height / 2.0).reduce(f64::min).unwrap_or(0.0);
    middles.iter().map(|y| y - top).collect()
}

/// Between its neighbours.
fn wish(nodes: &[Node], middles: &[f64], index: usize) -> f64 {
    let around: Vec<f64> =
        nodes[index].left.iter().chain(&nodes[index].right).map(|other| middles[*other]).collect();
    if around.is_empty() { middles[index] } else { around.iter().sum::<f64>() / around.len() as f64 }
}

/// The heights nearest to the wished ones (least squares) at which the nodes, in this order, do not overlap: pool
/// adjacent violators.
fn nearest(nodes: &[Node], column: &[usize], wished: &[f64]) -> Vec<f64> {
    // Without the heights of those above, "not overlapping" is "not decreasing".
    let mut offset = 0.0;
    let mut offsets = Vec::new();
    for index in column {
        offsets.push(offset + nodes[*index].height / 2.0);
        offset += nodes[*index].height;
    }
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (y, offset) in wished.iter().zip(&offsets) {
        pools.push((y - offset, 1));
        while let [.., (a, m), (b, n)] = pools[..]
            && a > b
        {
            pools.truncate(pools.len() - 2);
            pools.push(((a * m as f64 + b * n as f64) / (m + n) as f64, m + n));
        }
    }
    let values = pools.into_iter().flat_map(|(y, count)| std::iter::repeat_n(y, count));
    values.zip(offsets).map(|(y, offset)| y + offset).collect()
}

fn place(
    sizes: &[Size],
    inputs: &[BTreeSet<usize>],
    layers: &[usize],
    nodes: &[Node],
    chains: &[Vec<usize>],
    middles: &[f64],
) -> Layout {
    let count = layers.iter().map(|layer| layer + 1).max().unwrap_or(0);
    let mut widths = vec![0.0_f64; count];
    for (size, layer) in sizes.iter().zip(layers) {
        widths[*layer] = widths[*layer].max(size.width);
    }
    let lefts: Vec<f64> = widths
        .iter()
        .scan(0.0, |x, width| {
            let left = *x;
            *x += width + CHANNEL;
            Some(left)
        })
        .collect();
    let boxes = (0..sizes.len())
        .map(|index| {
            let size = Size { width: widths[layers[index]], height: sizes[index].height };
            (Point { x: lefts[layers[index]], y: middles[index] - size.height / 2.0 }, size)
        })
        .collect();

    let mut arrows = Vec::new();
    for (user, own) in inputs.iter().enumerate() {
        for input in own {
            let chain = &chains[*input][..layers[user] - layers[*input]];
            let mut points = Vec::new();
            for node in chain {
                let (layer, y) = (nodes[*node].layer, middles[*node]);
                if node != input {
                    points.push(Point { x: lefts[layer], y });
                }
                points.push(Point { x: lefts[layer] + widths[layer], y });
            }
            points.push(Point { x: lefts[layers[user]], y: middles[user] });
            arrows.push((*input, user, points));
        }
    }
    let bottom = nodes.iter().zip(middles).map(|(node, y)| y + node.height / 2.0);
    let size = Size {
        width: lefts.iter().zip(&widths).map(|(x, width)| x + width).fold(0.0, f64::max),
        height: bottom.fold(0.0, f64::max),
    };
    Layout { boxes, arrows, size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(inputs: &[&[usize]]) -> Layout {
        let sizes = vec![Size { width: 100.0, height: 20.0 }; inputs.len()];
        let inputs: Vec<BTreeSet<usize>> = inputs.iter().map(|own| own.iter().copied().collect()).collect();
        lay_out(&sizes, &inputs, &BTreeSet::new())
    }

    #[test]
    fn arrows_go_to_the_right_and_boxes_do_not_overlap() {
        let layout = layout(&[&[], &[], &[0], &[0, 1], &[2, 3], &[], &[1, 4, 5], &[5]]);
        assert_eq!(layout.arrows.len(), 9);
        for (from, to, points) in &layout.arrows {
            assert!(layout.boxes[*from].0.x + 100.0 < layout.boxes[*to].0.x, "{from} -> {to}");
            assert_eq!(points.len() % 2, 0, "{from} -> {to}");
            assert!(points.is_sorted_by(|a, b| a.x <= b.x), "{from} -> {to}");
        }
        for (index, (a, size)) in layout.boxes.iter().enumerate() {
            let apart =
                |(b, _): &(Point, Size)| (a.x - b.x).abs() > 1.0 || (a.y - b.y).abs() >= 20.0 + GAP - 0.01;
            assert!(layout.boxes[index + 1..].iter().all(apart), "{index}");
            assert!(a.y > -0.01 && a.y + size.height <= layout.size.height + 0.01, "{index}");
        }
    }

    #[test]
    fn what_is_used_late_stands_late_with_all_that_only_it_needs() {
        // A chain of four, whose end uses 6 as well, which alone uses 4 and 5.
        let inputs = [&[][..], &[0], &[1], &[2], &[], &[], &[4, 5], &[3, 6]];
        let inputs: Vec<BTreeSet<usize>> = inputs.iter().map(|own| own.iter().copied().collect()).collect();
        assert_eq!(layers(&inputs, &BTreeSet::new()), [0, 1, 2, 3, 2, 2, 3, 4]);
    }

    #[test]
    fn what_is_to_stand_late_does_even_if_arrows_get_longer() {
        // 2 uses two that others use too: moving it makes two arrows longer and one shorter.
        let inputs = [&[][..], &[], &[0, 1], &[0, 1], &[3], &[4], &[2, 5]];
        let inputs: Vec<BTreeSet<usize>> = inputs.iter().map(|own| own.iter().copied().collect()).collect();
        assert_eq!(layers(&inputs, &BTreeSet::new())[2], 1);
        assert_eq!(layers(&inputs, &[2].into())[2], 3);
    }

    #[test]
    fn two_chains_do_not_cross() {
        let layout = layout(&[&[], &[], &[1], &[0], &[3], &[2]]);
        let y = |index: usize| layout.boxes[index].0.y;
        assert_eq!(y(0) < y(1), y(3) < y(2));
        assert_eq!(y(0) < y(1), y(4) < y(5));
    }

    #[test]
    fn an_empty_graph_is_an_empty_picture() {
        assert_eq!(layout(&[]).size, Size { width: 0.0, height: 0.0 });
    }

    #[test]
    fn heights_are_the_nearest_that_do_not_overlap() {
        let node = || Node { layer: 0, height: 10.0, left: Vec::new(), right: Vec::new() };
        let nodes = [node(), node(), node()];
        assert_eq!(nearest(&nodes, &[0, 1, 2], &[50.0, 50.0, 200.0]), [45.0, 55.0, 200.0]);
    }
}
