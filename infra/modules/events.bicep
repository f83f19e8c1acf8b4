// Hints: what happens to AKS clusters of this subscription, filtered at the source. Lost ones end in the dead-letter
// container, and people hear of it. A hint only makes Lamplighter look sooner.
param tags object

@description('Required. The function that takes hints: .../sites/NAME/functions/look.')
param functionId string

@description('Required. The account that holds the container dead-letters.')
param storageId string
param identityId string
param actionGroupId string

var deadLetters = 'dead-letters'
var retries = {
  maxDeliveryAttempts: 10
  eventTimeToLiveInMinutes: 60
}
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
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
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
    retryPolicy: retries
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'UserAssigned'
        userAssignedIdentity: identityId
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageId
          blobContainerName: deadLetters
        }
      }
    }
  }
}]

// From: https://learn.microsoft.com/azure/event-grid/metrics
resource lost 'Microsoft.Insights/metricAlerts@2018-03-01' = [for (source, i) in sources: {
  name: 'alert-dead-letters-${source.key}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Lamplighter: hints could not be delivered. See docs/runbook.md, dead letters.'
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
          name: 'dead-letters'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
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
