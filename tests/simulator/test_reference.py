from tests.support.sage_reference import reference, unsourced


def test_every_name_in_the_reference_has_a_source():
    objects = reference().objects.values()
    assert len(objects) == 67
    assert sum(len(known.fields) for known in objects) == 4225
    assert all(field.sources and (field.read or field.written) for known in objects for field in known.fields.values())


def test_a_name_is_found_directly_or_over_a_path_of_its_object():
    assert unsourced("APBILL", ["RECORDNO", "VENDOR.NAME", "PAYTO.TAXGROUP.RECORDNO"]) == []
    assert unsourced("APBILL", ["VENDOR.NOPE", "CUSTOMER.NAME"]) == ["VENDOR.NOPE", "CUSTOMER.NAME"]
    assert unsourced("EMPLOYEE", ["NAME", "CONTACT_NAME"]) == ["NAME"]
    assert unsourced("ASSET", ["RECORDNO"]) == ["RECORDNO"]


def test_a_name_that_is_only_sent_is_not_read():
    assert reference().writable("ARPYMT", "OVERPAYMENTAMOUNT")
    assert not reference().readable("ARPYMT", "OVERPAYMENTAMOUNT")
    assert reference().writable("CONTACT", "MAILADDRESS")
