// What a team must hear about Lamplighter itself; docs/runbook.md says what to do. Queries run over the app's own
// telemetry (docs/telemetry.md). Lost hints are told by events.bicep, dead letters by ../cluster-events.bicep.
param name string
param location string
param tags object
param insightsId string
param operatorsMail string

var rules = [
  {
    key: 'poison'
    title: 'a message failed again and again'
    query: 'requests | where name == "poison"'
    severity: 2
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
  }
  {
    key: 'ticks-missed'
    title: 'the fleet was not looked at for half an hour'
    query: 'requests | where name == "tick" and success == true'
    severity: 1
    operator: 'LessThan'
    threshold: 1
    window: 'PT30M'
  }
  {
    key: 'starts-failed'
    title: 'clusters did not come up'
    query: 'traces | where message startswith "measured " | extend what = tostring(split(message, " ")[1]), m = parse_json(substring(message, indexof(message, "{"))) | where (what == "tick" and toint(m.notices.start_late) > 0) or (what == "ended" and toint(m.counts["start_cluster failed"]) > 0) or (what == "act" and m.action == "start_cluster" and m.outcome == "failed")'
    severity: 2
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
  }
  {
    key: 'hints-failed'
    title: 'events could not be handled'
    query: 'requests | where name == "look" and success == false'
    severity: 3
    operator: 'GreaterThan'
    threshold: 20
    window: 'PT1H'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'lamplighter'
    emailReceivers: empty(operatorsMail) ? [] : [
      {
        name: 'operators'
        emailAddress: operatorsMail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for item in rules: {
  name: 'alert-${item.key}-${name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Lamplighter: ${item.title}'
    description: 'See docs/runbook.md, alert ${item.key}.'
    enabled: true
    severity: item.severity
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: item.window
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: item.query
          timeAggregation: 'Count'
          operator: item.operator
          threshold: item.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}]

output actionGroupId string = people.id
