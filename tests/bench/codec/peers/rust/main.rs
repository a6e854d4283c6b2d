// SPDX-License-Identifier: Apache-2.0
// rkyv (checked by bytecheck where bytes are untrusted) and bincode (fixed integers, its default), measured as
// measure.h measures: argument rkyv or bincode.
use rkyv::ser::{serializers::BufferSerializer, Serializer};
use serde::{Deserialize as De, Serialize as Se};
use std::arch::asm;
use std::time::Instant;

const ENTRIES: usize = 40;
const ORDERS: usize = 128;
const BOOKS: usize = 12;
const ROOM: usize = 4096;
const ORDER_ROOM: usize = 248;
const REPEATS: usize = 250;
const LENGTH_NS: f64 = 1e5;

#[derive(Clone, Copy, Default, Se, De, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[archive_attr(derive(bytecheck::CheckBytes))]
struct Order {
    cl_ord_id: [u8; 16],
    account: [u8; 16],
    symbol: [u8; 8],
    transact_time: u64,
    order_id: u64,
    price: i64,
    stop_px: i64,
    order_qty: u64,
    min_qty: u32,
    party_id: u32,
    strategy_id: u32,
    security_id: u32,
    flags: u16,
    side: u8,
    ord_type: u8,
}

#[derive(Clone, Copy, Default, Se, De, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[archive_attr(derive(bytecheck::CheckBytes))]
struct Entry {
    price: i64,
    size: i32,
    security_id: i32,
    rpt_seq: u32,
    orders: i32,
    level: u8,
    action: u8,
    kind: u8,
}

#[derive(Clone, Default, Se, De, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[archive_attr(derive(bytecheck::CheckBytes))]
struct Book {
    transact_time: u64,
    event: u8,
    entries: Vec<Entry>,
}

#[repr(C, align(64))]
struct Wire<const N: usize>([u8; N], usize);

// The compiler knows nothing of what lies behind it from here on, and must have it there: OPAQUE of measure.h.
#[inline(always)]
fn opaque<T>(what: &T) -> &T {
    let mut at = what as *const T;
    unsafe {
        asm!("/* {0} */", inout(reg) at, options(nostack, preserves_flags));
        &*at
    }
}

#[inline(always)]
fn known(value: usize) {
    unsafe { asm!("/* {0} */", in(reg) value, options(nostack, preserves_flags)) };
}

// A field was read, as in measure.h.
#[inline(always)]
fn seen(mut value: u64) -> u64 {
    unsafe { asm!("/* {0} */", inout(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

#[inline(always)]
fn texts(bytes: &[u8], add: &mut impl FnMut(u64)) {
    for word in bytes.chunks_exact(8) {
        add(u64::from_le_bytes(word.try_into().unwrap()));
    }
}

macro_rules! order_fields {
    ($o:expr, $add:expr) => {{
        let mut add = $add;
        texts(&$o.cl_ord_id, &mut add);
        texts(&$o.account, &mut add);
        texts(&$o.symbol, &mut add);
        add($o.transact_time as u64);
        add($o.order_id as u64);
        add($o.price as u64);
        add($o.stop_px as u64);
        add($o.order_qty as u64);
        add($o.min_qty as u64);
        add($o.party_id as u64);
        add($o.strategy_id as u64);
        add($o.security_id as u64);
        add($o.flags as u64);
        add($o.side as u64);
        add($o.ord_type as u64);
    }};
}

macro_rules! book_fields {
    ($b:expr, $add:expr) => {{
        let mut add = $add;
        add($b.transact_time as u64);
        add($b.event as u64);
        for x in $b.entries.iter() {
            add(x.price as u64);
            add(x.size as i64 as u64);
            add(x.security_id as i64 as u64);
            add(x.rpt_seq as u64);
            add(x.orders as i64 as u64);
            add(x.level as u64);
            add(x.action as u64);
            add(x.kind as u64);
        }
    }};
}

fn measure(figure: &str, n: usize, bytes: usize, mut body: impl FnMut(usize)) {
    let mut rounds = 16usize;
    let mut fastest = f64::MAX;
    for repeat in 0..REPEATS + 1 {
        let from = Instant::now();
        for _ in 0..rounds {
            for i in 0..n {
                body(i);
            }
        }
        let each = from.elapsed().as_nanos() as f64 / (rounds * n) as f64;
        if repeat > 0 {
            fastest = fastest.min(each);
        } else {
            rounds = 1 + (LENGTH_NS / (each * n as f64)) as usize;
        }
    }
    println!("{}\t{:.4}\t{}", figure, fastest, bytes);
}

struct Chance(u64);
impl Chance {
    fn next(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn fill() -> (Vec<Order>, Vec<Book>) {
    let mut c = Chance(88172645463325252);
    let orders = (0..ORDERS)
        .map(|_| {
            let mut o = Order::default();
            for b in o.cl_ord_id.iter_mut().chain(o.account.iter_mut()).chain(o.symbol.iter_mut()) {
                *b = b'A' + c.next(26) as u8;
            }
            o.transact_time = 1700000000000000000 + c.next(1000000000);
            o.order_id = c.next(1 << 30);
            o.price = c.next(10000000) as i64;
            o.stop_px = c.next(10000000) as i64;
            o.order_qty = c.next(10000);
            o.min_qty = c.next(100) as u32;
            o.party_id = c.next(5000) as u32;
            o.strategy_id = c.next(300) as u32;
            o.security_id = c.next(100000) as u32;
            o.flags = c.next(65536) as u16;
            o.side = b'1' + c.next(2) as u8;
            o.ord_type = b'1' + c.next(2) as u8;
            o
        })
        .collect();
    let books = (0..BOOKS)
        .map(|_| Book {
            transact_time: 1700000000000000000 + c.next(1000000000),
            event: c.next(256) as u8,
            entries: (0..ENTRIES)
                .map(|_| Entry {
                    price: c.next(10000000) as i64,
                    size: c.next(10000) as i32,
                    security_id: c.next(100000) as i32,
                    rpt_seq: c.next(1000000) as u32,
                    orders: c.next(100) as i32,
                    level: 1 + c.next(10) as u8,
                    action: c.next(3) as u8,
                    kind: b'0' + c.next(2) as u8,
                })
                .collect(),
        })
        .collect();
    (orders, books)
}

macro_rules! play {
    ($name:literal, $many:expr, $wires:expr, $fields:ident, $encode:expr, $read:expr, $one:expr, $take:expr) => {{
        let many = $many;
        let mut wires = $wires;
        let n = many.len();
        for i in 0..n {
            wires[i].1 = $encode(&many[i], &mut wires[i]);
            let (mut want, mut got) = (0u64, 0u64);
            $fields!(many[i], |value: u64| want = want.wrapping_add(value));
            $fields!($read(&wires[i]), |value: u64| got = got.wrapping_add(value));
            assert_eq!(want, got);
        }
        let bytes = wires[0].1;
        measure(concat!($name, " encode"), n, bytes, |i| {
            let made = $encode(opaque(&many[i]), &mut wires[i]);
            known(made);
        });
        measure(concat!($name, " validate and read all"), n, bytes, |i| {
            let read = $read(opaque(&wires[i]));
            $fields!(read, |value: u64| { seen(value); });
            known(0);
        });
        measure(concat!($name, " read one field"), n, bytes, |i| {
            known($one(opaque(&wires[i])) as usize);
        });
        measure(concat!($name, " decode to a struct"), n, bytes, |i| {
            let taken = $take(opaque(&wires[i]));
            opaque(&taken);
        });
    }};
}

fn wires<const N: usize>(n: usize) -> Vec<Wire<N>> {
    (0..n).map(|_| Wire([0; N], 0)).collect()
}

fn rkyv_encode<T, const N: usize>(from: &T, to: &mut Wire<N>) -> usize
where
    T: for<'a> rkyv::Serialize<BufferSerializer<&'a mut [u8]>>,
{
    let mut serializer = BufferSerializer::new(&mut to.0[..]);
    serializer.serialize_value(from).unwrap();
    serializer.pos()
}

#[inline(always)]
fn checked_order(w: &Wire<ORDER_ROOM>) -> &rkyv::Archived<Order> {
    rkyv::check_archived_root::<Order>(&w.0[..w.1]).unwrap()
}

#[inline(always)]
fn checked_book(w: &Wire<ROOM>) -> &rkyv::Archived<Book> {
    rkyv::check_archived_root::<Book>(&w.0[..w.1]).unwrap()
}

fn main() {
    let (orders, books) = fill();
    match std::env::args().nth(1).as_deref() {
        Some("rkyv") => {
            use rkyv::{archived_root, check_archived_root, Deserialize, Infallible};
            play!("order", orders, wires::<ORDER_ROOM>(ORDERS), order_fields,
                |o: &Order, to: &mut Wire<ORDER_ROOM>| rkyv_encode(o, to),
                checked_order,
                |w: &Wire<ORDER_ROOM>| unsafe { archived_root::<Order>(&w.0[..w.1]) }.price,
                |w: &Wire<ORDER_ROOM>| -> Order { check_archived_root::<Order>(&w.0[..w.1]).unwrap().deserialize(&mut Infallible).unwrap() });
            play!("book", books, wires::<ROOM>(BOOKS), book_fields,
                |b: &Book, to: &mut Wire<ROOM>| book_encode(b, to),
                checked_book,
                |w: &Wire<ROOM>| unsafe { archived_root::<Book>(&w.0[..w.1]) }.entries[20].price,
                |w: &Wire<ROOM>| -> Book { check_archived_root::<Book>(&w.0[..w.1]).unwrap().deserialize(&mut Infallible).unwrap() });
        }
        Some("bincode") => {
            play!("order", orders, wires::<ORDER_ROOM>(ORDERS), order_fields,
                |o: &Order, to: &mut Wire<ORDER_ROOM>| bincode_encode(o, to),
                |w: &Wire<ORDER_ROOM>| bincode::deserialize::<Order>(&w.0[..w.1]).unwrap(),
                |w: &Wire<ORDER_ROOM>| bincode::deserialize::<Order>(&w.0[..w.1]).unwrap().price,
                |w: &Wire<ORDER_ROOM>| bincode::deserialize::<Order>(&w.0[..w.1]).unwrap());
            play!("book", books, wires::<ROOM>(BOOKS), book_fields,
                |b: &Book, to: &mut Wire<ROOM>| bincode_encode(b, to),
                |w: &Wire<ROOM>| bincode::deserialize::<Book>(&w.0[..w.1]).unwrap(),
                |w: &Wire<ROOM>| bincode::deserialize::<Book>(&w.0[..w.1]).unwrap().entries[20].price,
                |w: &Wire<ROOM>| bincode::deserialize::<Book>(&w.0[..w.1]).unwrap());
        }
        _ => std::process::exit(2),
    }
}

// Vectors want scratch space: what they need of it is kept between messages.
fn book_encode(from: &Book, to: &mut Wire<ROOM>) -> usize {
    use rkyv::ser::serializers::{BufferScratch, CompositeSerializer};
    let mut scratch = [0u8; 256];
    let mut serializer = CompositeSerializer::new(
        BufferSerializer::new(&mut to.0[..]),
        BufferScratch::new(&mut scratch),
        rkyv::Infallible,
    );
    serializer.serialize_value(from).unwrap();
    serializer.pos()
}

fn bincode_encode<T: Se, const N: usize>(from: &T, to: &mut Wire<N>) -> usize {
    let mut rest = &mut to.0[..];
    bincode::serialize_into(&mut rest, from).unwrap();
    N - rest.len()
}
