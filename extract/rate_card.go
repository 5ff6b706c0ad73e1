package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The rate card is what every meter costs under a pay-as-you-go offer, in one currency.
//
// What is odd about it:
//   - All four of offer, currency, locale and region are required, and only the customer
//     knows them: accounts[].offer of the configuration.
//   - The answer is a redirect to a signed link on another host, which must not be given
//     the token. See followRedirect.
//   - It is one document of tens of megabytes, without pages, in PascalCase.
//   - MeterRates is an object: {"0":1.99,"100":0.99}. Its keys are the lower bounds of
//     tiers, as text and not in order ("0.0000000000", "20"); each value is the price of a
//     unit in that tier. It is kept as text, as its numbers are money; staging makes rows.
//   - A meter has several entries; the newest EffectiveDate up to the day of usage counts.
//
// Its parts are landed as three pages: 1 the meters, 2 the terms of the offer, 3 what stands
// beside the two (Currency, Locale, IsTaxIncluded).
var _ = register(&Source{
	Name:       "rate_card",
	API:        "Commerce RateCard",
	Version:    commerceVersion,
	Agreements: []string{mosp},
	Role:       "Reader on the subscription",
	Feeds:      "stg_rate_card, stg_offer_terms: prices of an offer",
	Status:     "current",
	Columns:    rateCardColumns(),
	Instead: map[string]string{
		ea:  "only pay-as-you-go offers have a rate card: the prices of an enrollment are in price_sheet",
		mca: "only pay-as-you-go offers have a rate card: the list prices of a customer agreement are in retail_prices, what it pays in its charges",
		mpa: "only pay-as-you-go offers have a rate card: the list prices of a partner agreement are in retail_prices, what it pays in its charges",
	},
	standard: func(a Account) bool { return a.Offer != (Offer{}) },
	plan:     planRateCard,
})

func rateCardColumns() []Column {
	columns := fields(Text, "MeterId", "MeterName", "MeterCategory", "MeterSubCategory", "MeterRegion", "Unit", "Name", "Currency", "Locale")
	columns = append(columns, fields(Instant, "EffectiveDate")...)
	columns = append(columns, fields(Decimal, "IncludedQuantity", "Credit", "RecurringCharge")...)
	columns = append(columns, fields(Bool, "IsTaxIncluded")...)
	return append(columns, fields(JSONText, "MeterTags", "MeterRates", "TieredDiscount", "ExcludedMeterIds")...)
}

func planRateCard(_ context.Context, _ *run, a Account) ([]task, error) {
	if missing := a.Offer.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("account %s: the rate card is asked for by offer, and the configuration lacks offer.%s; such as offer: {id: MS-AZR-0003P, currency: EUR, locale: en-US, region: DE}",
			a.Name, strings.Join(missing, ", offer."))
	}
	dataset := slugBy(strings.Join([]string{a.Offer.ID, a.Offer.Currency, a.Offer.Region}, " "), "_")
	u := Unit{Source: "rate_card", Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: dataset}
	return []task{{Unit: u, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		return a.fillRateCard(ctx, r, l, progress)
	}}}, nil
}

// missing are the keys of the configuration that are not given.
func (o Offer) missing() []string {
	var keys []string
	for _, k := range []struct{ key, value string }{{"id", o.ID}, {"currency", o.Currency}, {"locale", o.Locale}, {"region", o.Region}} {
		if k.value == "" {
			keys = append(keys, k.key)
		}
	}
	return keys
}

func (a Account) fillRateCard(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
	if r.o.Client == nil {
		return 0, errors.New("no client: an account with a scope needs a credential")
	}
	filter := fmt.Sprintf("OfferDurableId eq '%s' and Currency eq '%s' and Locale eq '%s' and RegionInfo eq '%s'", a.Offer.ID, a.Offer.Currency, a.Offer.Locale, a.Offer.Region)
	url := query(a.Scope+"/providers/Microsoft.Commerce/RateCard", "api-version", commerceVersion, "$filter", filter)
	answer, err := r.o.Client.do(ctx, request{API: commerceAPI, Scope: a.Scope, URL: url})
	if err != nil {
		return 0, err
	}
	l.received += int64(len(answer.Body))
	return 1, landRateCard(l, answer.Body, progress)
}

// landRateCard lands the parts of the document.
func landRateCard(l *landing, body []byte, progress func(int64)) error {
	var document map[string]json.RawMessage
	if err := json.Unmarshal(body, &document); err != nil {
		return fmt.Errorf("rate card: %w", err)
	}
	if document["Meters"] == nil {
		return fmt.Errorf("the rate card has no Meters: %q", short(body))
	}
	rows := int64(0)
	for i, part := range []string{"Meters", "OfferTerms"} {
		if document[part] == nil {
			continue
		}
		list := append(append([]byte(`{"`+part+`":`), document[part]...), '}')
		delete(document, part)
		info, err := l.jsonPage(int64(i+1), part, list, jsonShape{Rows: part})
		if err != nil {
			return fmt.Errorf("rate card: %w", err)
		}
		rows += info.Rows
	}
	progress(rows)
	if len(document) == 0 {
		return nil
	}
	rest, err := json.Marshal(document)
	if err != nil {
		return err
	}
	if _, err := l.jsonPage(3, "rate card", rest, jsonShape{}); err != nil {
		return fmt.Errorf("rate card: %w", err)
	}
	return nil
}
