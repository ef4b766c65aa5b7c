// Sage's own client, unmodified but for the address: it accepts domains below a constant, which becomes this machine's.
"use strict";
const path = require("path");
const sdk = require(path.join(process.argv[3], "node_modules", "@intacct", "intacct-sdk"));
const Endpoint = require(
  path.join(process.argv[3], "node_modules", "@intacct", "intacct-sdk", "dist", "Credentials", "Endpoint"),
).default;
Endpoint.DOMAIN_NAME = "0.0.1";

function config(changes = {}) {
  return Object.assign(new sdk.ClientConfig(), {
    endpointUrl: process.argv[2],
    senderId: "AlvysMPP",
    senderPassword: "sender-secret",
    companyId: "BLUEMESA",
    userId: "alvys_ws",
    userPassword: "user-secret",
    entityId: "100",
  }, changes);
}

function invoice(number, controlId, customer = "CUST-10021") {
  const create = new sdk.Functions.AccountsReceivable.InvoiceCreate(controlId);
  create.customerId = customer;
  create.transactionDate = new Date("2026-03-09T00:00:00");
  create.dueDate = new Date("2026-04-08T00:00:00");
  create.action = "Submit";
  create.invoiceNumber = number;
  create.customFields = [["ALVYS_LOAD_ID", "a1b2"]];
  const line = new sdk.Functions.AccountsReceivable.InvoiceLineCreate();
  line.glAccountNumber = "40010";
  line.transactionAmount = 2450.5;
  line.memo = "Linehaul & more";
  line.locationId = "100";
  create.lines = [line];
  return create;
}

function bill(number) {
  const create = new sdk.Functions.AccountsPayable.BillCreate();
  create.vendorId = "VEN-20417";
  create.transactionDate = new Date("2026-03-09T00:00:00");
  create.paymentTerm = "Net 7";
  create.billNumber = number;
  const line = new sdk.Functions.AccountsPayable.BillLineCreate();
  line.glAccountNumber = "50010";
  line.transactionAmount = 1800;
  line.locationId = "100";
  create.lines = [line];
  return create;
}

async function failure(promise) {
  try {
    await promise;
    return "no failure";
  } catch (error) {
    return `${error.constructor.name}: ${error.message} ${(error.errors || []).join(" ")}`;
  }
}

async function main() {
  const seen = {};
  const client = new sdk.OnlineClient(config());
  seen.invoice = (await client.execute(invoice("JS-1", "js-1"))).getResult().key;
  seen.bill = (await client.execute(bill("JS-B"))).getResult().key;

  const customer = new sdk.Functions.AccountsReceivable.CustomerCreate();
  customer.customerId = "C-JS";
  customer.customerName = "Node Foods";
  customer.printAs = "Node Foods";
  customer.active = true;
  seen.customer = (await client.execute(customer)).getResult().data[0];

  const session = await sdk.SessionProvider.factory(config());
  seen.session = { entity: session.entityId, endpoint: session.endpointUrl, company: session.companyId };
  const within = new sdk.OnlineClient(session);

  const query = new sdk.Functions.Common.NewQuery.Query();
  query.selectFields = ["RECORDNO", "RECORDID", "TOTALDUE", "STATE"].map(
    (name) => new sdk.Functions.Common.NewQuery.QuerySelect.Field(name));
  query.fromObject = "ARINVOICE";
  query.filter = new sdk.Functions.Common.NewQuery.QueryFilter.Filter("RECORDID").equalTo("JS-1");
  const found = (await within.execute(query)).getResult();
  seen.query = { total: found.totalCount, rows: found.data };

  const read = new sdk.Functions.Common.ReadByQuery();
  read.objectName = "VENDOR";
  read.fields = ["VENDORID"];
  read.pageSize = 4;
  let page = (await within.execute(read)).getResult();
  seen.pages = [page.data.map((row) => row.VENDORID)];
  while (page.numRemaining > 0) {
    const more = new sdk.Functions.Common.ReadMore();
    more.resultId = page.resultId;
    page = (await within.execute(more)).getResult();
    seen.pages.push(page.data.map((row) => row.VENDORID));
  }

  const credit = new sdk.Functions.AccountsReceivable.ArAdjustmentCreate();
  credit.customerId = "CUST-10021";
  credit.transactionDate = new Date("2026-03-09T00:00:00");
  credit.adjustmentNumber = "JS-CM";
  const creditLine = new sdk.Functions.AccountsReceivable.ArAdjustmentLineCreate();
  creditLine.glAccountNumber = "40010";
  creditLine.transactionAmount = -50.25;
  creditLine.locationId = "100";
  credit.lines = [creditLine];
  seen.credit = (await within.execute(credit)).getResult().key;
  query.selectFields = ["RECORDID", "TOTALENTERED", "STATE"].map(
    (name) => new sdk.Functions.Common.NewQuery.QuerySelect.Field(name));
  query.fromObject = "ARADJUSTMENT";
  query.filter = new sdk.Functions.Common.NewQuery.QueryFilter.Filter("RECORDID").equalTo("JS-CM");
  seen.credits = (await within.execute(query)).getResult().data;

  const reverse = new sdk.Functions.AccountsReceivable.InvoiceReverse();
  reverse.recordNo = seen.invoice;
  reverse.reverseDate = new Date("2026-03-09T00:00:00");
  seen.reversed = (await within.execute(reverse)).getResult().status;

  const atomic = new sdk.RequestConfig();
  atomic.transaction = true;
  atomic.uniqueId = true;
  const batch = within.executeBatch([invoice("T-1", "t-1"), invoice("T-2", "t-2", "NOBODY")], atomic);
  seen.transaction = await failure(batch);

  const once = new sdk.RequestConfig();
  once.uniqueId = true;
  await within.execute(invoice("U-1", "u-1"), once);
  seen.repeated = await failure(within.execute(invoice("U-1", "u-1"), once));

  seen.refused = await failure(within.execute(invoice("X", "x", "NOBODY")));
  seen.wrongPassword = await failure(new sdk.OnlineClient(config({ userPassword: "wrong" })).execute(bill("X")));
  seen.wrongSender = await failure(new sdk.OnlineClient(config({ senderPassword: "wrong" })).execute(bill("X")));
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
