"""Variables in texts, in the vendor's notation."""

import pytest

from django_messagecentral.messaging.text import Template, TemplateError

VENDOR_SAMPLE = "Hello ##var##, your balance is ##var2## on date ##var3##."


def test_the_vendors_own_sample_reads_the_columns_in_order() -> None:
    bound = Template.parse(VENDOR_SAMPLE).bind(["var1", "var2", "var3"])
    assert bound.render(["Asha", "100", "1 May"]) == "Hello Asha, your balance is 100 on date 1 May."


@pytest.mark.parametrize("spelling", ["##var##", "##var1##", "##VAR1##", "## var1 ##"])
def test_var_and_var1_are_the_first_column_whatever_its_header(spelling: str) -> None:
    assert Template.parse(spelling).bind(["Name", "Balance"]).render(["Asha", "1"]) == "Asha"


def test_a_column_is_found_by_its_own_name_wherever_it_stands() -> None:
    bound = Template.parse("##first name## owes ##var2##").bind(["var3", "var2", " First  Name "])
    assert bound.render(["x", "50", "Asha"]) == "Asha owes 50"


def test_every_missing_column_is_named_at_once() -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse("##var## ##var4## ##city##").bind(["var1", "var2"])
    assert caught.value.missing == ["var4", "city"]


def test_an_empty_value_is_refused_by_the_name_the_text_uses() -> None:
    bound = Template.parse(VENDOR_SAMPLE).bind(["var1", "var2", "var3"])
    with pytest.raises(TemplateError) as caught:
        bound.render(["Asha", "", "1 May"])
    assert caught.value.missing == ["var2"]


def test_a_text_without_variables_is_the_same_for_all() -> None:
    template = Template.parse("Price #1 in town ##")
    assert not template.is_personal
    assert template.bind([]).render([]) == "Price #1 in town ##"
