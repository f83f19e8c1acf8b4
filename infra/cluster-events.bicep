// Optional, one cluster at a time: its own events (new versions, support ending, pools rolling) as hints too. Deploy it
// into the cluster's resource group; docs/deploy.md shows how.
@description('Required. Name of the cluster.')
param clusterName string

@description('Required. Region of the cluster: its topic must be there too.')
param location string = resourceGroup().location

@description('Required. The function that takes hints: .../sites/NAME/functions/look.')
param functionId string

@description('Required. The account that holds the container dead-letters.')
param storageId string

@description('Required. Who hears of dead letters: the action group of Lamplighter.')
param actionGroupId string

var accountPath = split(storageId, '/')

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' existing = {
  name: clusterName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-lamplighter-${clusterName}'
  location: location
  // Its own, not the app's: only a system-assigned identity passes the firewall of an account with private endpoints.
  // https://learn.microsoft.com/azure/event-grid/handler-storage-queues
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: cluster.id
    topicType: 'Microsoft.ContainerService.ManagedClusters'
  }
}

module grant 'modules/dead-letters.bicep' = {
  name: 'dead-letters-${clusterName}'
  scope: resourceGroup(accountPath[2], accountPath[4])
  params: {
    accountName: accountPath[8]
    principalId: topic.identity.principalId
    topicId: topic.id
  }
}

// From: https://learn.microsoft.com/azure/event-grid/event-schema-aks
resource hints 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
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
      includedEventTypes: [
        'Microsoft.ContainerService.NewKubernetesVersionAvailable'
        'Microsoft.ContainerService.ClusterSupportEnding'
        'Microsoft.ContainerService.ClusterSupportEnded'
        'Microsoft.ContainerService.NodePoolRollingSucceeded'
        'Microsoft.ContainerService.NodePoolRollingFailed'
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 10
      eventTimeToLiveInMinutes: 60
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageId
          blobContainerName: 'dead-letters'
        }
      }
    }
  }
  dependsOn: [
    grant
  ]
}

resource lost 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'alert-dead-letters-${clusterName}'
  location: 'global'
  properties: {
    description: 'Lamplighter: events of ${clusterName} could not be delivered. See docs/runbook.md, alert dead-letters.'
    enabled: true
    severity: 3
    scopes: [
      topic.id
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
}

output topicName string = topic.name
