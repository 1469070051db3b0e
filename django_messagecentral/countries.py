"""What a sheet's Country column may say: a dialling code, an ISO 3166 code, or the country's English name.

Regions are ISO 3166-1 alpha-2 codes as the phonenumbers library knows them; "001" stands for dialling codes
that belong to no country (satellite, freephone).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS, country_code_for_region

# region, ISO 3166-1 alpha-3, English name. The phonenumbers library has the names too, but only together with
# its geocoding data, which costs a quarter of a second and tens of megabytes a process.
_COUNTRIES = """
AC ASC Ascension Island; AD AND Andorra; AE ARE United Arab Emirates; AF AFG Afghanistan;
AG ATG Antigua and Barbuda; AI AIA Anguilla; AL ALB Albania; AM ARM Armenia; AO AGO Angola;
AR ARG Argentina; AS ASM American Samoa; AT AUT Austria; AU AUS Australia; AW ABW Aruba;
AX ALA Åland Islands; AZ AZE Azerbaijan; BA BIH Bosnia and Herzegovina; BB BRB Barbados;
BD BGD Bangladesh; BE BEL Belgium; BF BFA Burkina Faso; BG BGR Bulgaria; BH BHR Bahrain; BI BDI Burundi;
BJ BEN Benin; BL BLM Saint Barthélemy; BM BMU Bermuda; BN BRN Brunei; BO BOL Bolivia;
BQ BES Bonaire, Sint Eustatius and Saba; BR BRA Brazil; BS BHS Bahamas; BT BTN Bhutan; BW BWA Botswana;
BY BLR Belarus; BZ BLZ Belize; CA CAN Canada; CC CCK Cocos Islands;
CD COD The Democratic Republic Of Congo; CF CAF Central African Republic; CG COG Congo;
CH CHE Switzerland; CI CIV Côte d'Ivoire; CK COK Cook Islands; CL CHL Chile; CM CMR Cameroon;
CN CHN China; CO COL Colombia; CR CRI Costa Rica; CU CUB Cuba; CV CPV Cape Verde; CW CUW Curaçao;
CX CXR Christmas Island; CY CYP Cyprus; CZ CZE Czech Republic; DE DEU Germany; DJ DJI Djibouti;
DK DNK Denmark; DM DMA Dominica; DO DOM Dominican Republic; DZ DZA Algeria; EC ECU Ecuador;
EE EST Estonia; EG EGY Egypt; EH ESH Western Sahara; ER ERI Eritrea; ES ESP Spain; ET ETH Ethiopia;
FI FIN Finland; FJ FJI Fiji; FK FLK Falkland Islands; FM FSM Micronesia; FO FRO Faroe Islands;
FR FRA France; GA GAB Gabon; GB GBR United Kingdom; GD GRD Grenada; GE GEO Georgia; GF GUF French Guiana;
GG GGY Guernsey; GH GHA Ghana; GI GIB Gibraltar; GL GRL Greenland; GM GMB Gambia; GN GIN Guinea;
GP GLP Guadeloupe; GQ GNQ Equatorial Guinea; GR GRC Greece; GT GTM Guatemala; GU GUM Guam;
GW GNB Guinea-Bissau; GY GUY Guyana; HK HKG Hong Kong; HN HND Honduras; HR HRV Croatia; HT HTI Haiti;
HU HUN Hungary; ID IDN Indonesia; IE IRL Ireland; IL ISR Israel; IM IMN Isle Of Man; IN IND India;
IO IOT British Indian Ocean Territory; IQ IRQ Iraq; IR IRN Iran; IS ISL Iceland; IT ITA Italy;
JE JEY Jersey; JM JAM Jamaica; JO JOR Jordan; JP JPN Japan; KE KEN Kenya; KG KGZ Kyrgyzstan;
KH KHM Cambodia; KI KIR Kiribati; KM COM Comoros; KN KNA Saint Kitts And Nevis; KP PRK North Korea;
KR KOR South Korea; KW KWT Kuwait; KY CYM Cayman Islands; KZ KAZ Kazakhstan; LA LAO Laos; LB LBN Lebanon;
LC LCA Saint Lucia; LI LIE Liechtenstein; LK LKA Sri Lanka; LR LBR Liberia; LS LSO Lesotho;
LT LTU Lithuania; LU LUX Luxembourg; LV LVA Latvia; LY LBY Libya; MA MAR Morocco; MC MCO Monaco;
MD MDA Moldova; ME MNE Montenegro; MF MAF Saint Martin; MG MDG Madagascar; MH MHL Marshall Islands;
MK MKD Macedonia; ML MLI Mali; MM MMR Myanmar; MN MNG Mongolia; MO MAC Macao;
MP MNP Northern Mariana Islands; MQ MTQ Martinique; MR MRT Mauritania; MS MSR Montserrat; MT MLT Malta;
MU MUS Mauritius; MV MDV Maldives; MW MWI Malawi; MX MEX Mexico; MY MYS Malaysia; MZ MOZ Mozambique;
NA NAM Namibia; NC NCL New Caledonia; NE NER Niger; NF NFK Norfolk Island; NG NGA Nigeria;
NI NIC Nicaragua; NL NLD Netherlands; NO NOR Norway; NP NPL Nepal; NR NRU Nauru; NU NIU Niue;
NZ NZL New Zealand; OM OMN Oman; PA PAN Panama; PE PER Peru; PF PYF French Polynesia;
PG PNG Papua New Guinea; PH PHL Philippines; PK PAK Pakistan; PL POL Poland;
PM SPM Saint Pierre And Miquelon; PR PRI Puerto Rico; PS PSE Palestine; PT PRT Portugal; PW PLW Palau;
PY PRY Paraguay; QA QAT Qatar; RE REU Reunion; RO ROU Romania; RS SRB Serbia; RU RUS Russia;
RW RWA Rwanda; SA SAU Saudi Arabia; SB SLB Solomon Islands; SC SYC Seychelles; SD SDN Sudan;
SE SWE Sweden; SG SGP Singapore; SH SHN Saint Helena; SI SVN Slovenia; SJ SJM Svalbard And Jan Mayen;
SK SVK Slovakia; SL SLE Sierra Leone; SM SMR San Marino; SN SEN Senegal; SO SOM Somalia; SR SUR Suriname;
SS SSD South Sudan; ST STP Sao Tome And Principe; SV SLV El Salvador; SX SXM Sint Maarten (Dutch part);
SY SYR Syria; SZ SWZ Swaziland; TA TAA Tristan da Cunha; TC TCA Turks And Caicos Islands; TD TCD Chad;
TG TGO Togo; TH THA Thailand; TJ TJK Tajikistan; TK TKL Tokelau; TL TLS Timor-Leste; TM TKM Turkmenistan;
TN TUN Tunisia; TO TON Tonga; TR TUR Turkey; TT TTO Trinidad and Tobago; TV TUV Tuvalu; TW TWN Taiwan;
TZ TZA Tanzania; UA UKR Ukraine; UG UGA Uganda; US USA United States; UY URY Uruguay; UZ UZB Uzbekistan;
VA VAT Vatican; VC VCT Saint Vincent And The Grenadines; VE VEN Venezuela; VG VGB British Virgin Islands;
VI VIR U.S. Virgin Islands; VN VNM Vietnam; VU VUT Vanuatu; WF WLF Wallis And Futuna; WS WSM Samoa;
XK XKX Kosovo; YE YEM Yemen; YT MYT Mayotte; ZA ZAF South Africa; ZM ZMB Zambia; ZW ZWE Zimbabwe
"""

# other names in daily use, already normalised
_OTHER_NAMES = {
    "america": "US",
    "bolivarian republic of venezuela": "VE",
    "brunei darussalam": "BN",
    "burma": "MM",
    "cabo verde": "CV",
    "congo democratic republic of the": "CD",
    "cote divoire": "CI",
    "czechia": "CZ",
    "democratic republic of congo": "CD",
    "drc": "CD",
    "east timor": "TL",
    "england": "GB",
    "eswatini": "SZ",
    "great britain": "GB",
    "holland": "NL",
    "holy see": "VA",
    "hong kong sar": "HK",
    "iran islamic republic of": "IR",
    "islamic republic of iran": "IR",
    "ivory coast": "CI",
    "korea": "KR",
    "korea republic of": "KR",
    "ksa": "SA",
    "lao peoples democratic republic": "LA",
    "macao": "MO",
    "macau": "MO",
    "moldova republic of": "MD",
    "north macedonia": "MK",
    "northern ireland": "GB",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "russian federation": "RU",
    "saint martin": "MF",
    "scotland": "GB",
    "syrian arab republic": "SY",
    "taiwan province of china": "TW",
    "tanzania united republic of": "TZ",
    "turkiye": "TR",
    "uae": "AE",
    "uk": "GB",
    "united states of america": "US",
    "u s a": "US",
    "u s": "US",
    "u k": "GB",
    "u a e": "AE",
    "vatican city": "VA",
    "viet nam": "VN",
    "wales": "GB",
}


def normalise_name(name: str) -> str:
    """Lower case, without accents, punctuation and a leading "the": "The Côte d'Ivoire" -> "cote divoire"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    words = re.sub(r"[^a-z0-9]+", " ", plain.replace("'", "").replace("&", " and ")).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


@cache
def _names() -> dict[str, str]:
    """Alpha-3 code (upper case) and normalised English name (lower case) -> region."""
    names = dict(_OTHER_NAMES)
    for row in _COUNTRIES.split(";"):
        region, alpha3, name = row.split(maxsplit=2)
        names |= {alpha3: region, normalise_name(name): region}
    return names


def region_of(name: str) -> str | None:
    """The region of an ISO code (two or three letters, any case) or an English name; None if unknown."""
    code = name.strip().upper()
    if code in SUPPORTED_REGIONS:
        return code
    return _names().get(code) or _names().get(normalise_name(name))


def resolve_country(text: str) -> tuple[int, str] | None:
    """(dialling code, main region) of what a Country cell says, or None if nobody knows it.

    "91", "+91", "0091", "IN", "ind", "India" and a drop-down's "India (+91)" all mean (91, "IN").
    """
    region = region_of(text)
    if region:
        return country_code_for_region(region), region
    digits = re.sub(r"\D", "", text).lstrip("0")
    has_letters = any(char.isalpha() for char in text)
    if not digits or len(digits) > 3 or (has_letters and not region_of(re.sub(r"[\d+()]", "", text))):
        return None
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits))
    return (int(digits), regions[0]) if regions else None


def dialling_code_of(digits: str) -> str:
    """The dialling code that ``digits`` (an E.164 number without its plus) begin with, "" if none does."""
    for length in (1, 2, 3):
        if digits[:length].isdecimal() and int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return digits[:length]
    return ""
