# SPDX-License-Identifier: Apache-2.0
@0xb3f1a6d2c4e59871;
struct Order {
  clOrdId @0 :Data; account @1 :Data; symbol @2 :Data;
  transactTime @3 :UInt64; orderId @4 :UInt64; price @5 :Int64; stopPx @6 :Int64; orderQty @7 :UInt64;
  minQty @8 :UInt32; partyId @9 :UInt32; strategyId @10 :UInt32; securityId @11 :UInt32;
  flags @12 :UInt16; side @13 :UInt8; ordType @14 :UInt8;
}
struct Entry {
  price @0 :Int64; size @1 :Int32; securityId @2 :Int32; rptSeq @3 :UInt32; orders @4 :Int32;
  level @5 :UInt8; action @6 :UInt8; type @7 :UInt8;
}
struct Book { transactTime @0 :UInt64; event @1 :UInt8; entries @2 :List(Entry); }
