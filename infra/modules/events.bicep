// Hints: what happens to AKS clusters of this subscription, filtered at the source. A hint only makes Lamplighter look
// sooner: one that could not be delivered is counted and told, and the next tick sees what it would have said.
// Topics of a whole subscription are global, and Azure gives a global topic no identity to leave dead letters with in an
// account without keys; topics of a single cluster have both (../cluster-events.bicep).
param tags object

@description('Required. The function that takes hints: .../sites/NAME/functions/look.')
param functionId string
param actionGroupId string

// From: https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions and .../event-schema-containerservice-resources
var sources = [
  {
    key: 'writes'
    topicType: 'Microsoft.Resources.Subscriptions'
    eventTypes: [
      'Microsoft.Resources.ResourceActionSuccess'
      'Microsoft.Resources.ResourceActionFailure'
      'Microsoft.Resources.ResourceActionCancel'
      'Microsoft.Resources.ResourceWriteSuccess'
      'Microsoft.Resources.ResourceWriteFailure'
      'Microsoft.Resources.ResourceWriteCancel'
    ]
    filters: [
      {
        operatorType: 'StringContains'
        key: 'data.operationName'
        values: [
          'Microsoft.ContainerService/managedClusters'
        ]
      }
    ]
  }
  {
    key: 'aks'
    topicType: 'Microsoft.ResourceNotifications.ContainerServiceEventResources'
    eventTypes: [
      'Microsoft.ResourceNotifications.ContainerServiceEventResources.ScheduledEventEmitted'
    ]
    filters: []
  }
]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = [for source in sources: {
  name: 'evgt-lamplighter-${source.key}'
  location: 'global'
  tags: tags
  properties: {
    source: subscription().id
    topicType: source.topicType
  }
}]

resource hints 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [for (source, i) in sources: {
  parent: topic[i]
  name: 'lamplighter-look'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: functionId
        maxEventsPerBatch: 1
      }
    }
    filter: {
      includedEventTypes: source.eventTypes
      advancedFilters: source.filters
    }
    retryPolicy: {
      maxDeliveryAttempts: 10
      eventTimeToLiveInMinutes: 60
    }
  }
}]

// From: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-eventgrid-systemtopics-metrics
resource lost 'Microsoft.Insights/metricAlerts@2018-03-01' = [for (source, i) in sources: {
  name: 'alert-hints-lost-${source.key}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Lamplighter: hints could not be delivered. See docs/runbook.md, alert hints-lost.'
    enabled: true
    severity: 3
    scopes: [
      topic[i].id
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'hints-lost'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DroppedEventCount'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}]
