// Hints from one subscription of the fleet: a resource group of its own there, for the topics must live beside their source.
targetScope = 'subscription'

param groupName string
param location string
param tags object
param functionId string
param actionGroupId string

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: groupName
  location: location
  tags: tags
}

module topics 'events.bicep' = {
  name: 'lamplighter-events'
  scope: group
  params: {
    tags: tags
    functionId: functionId
    actionGroupId: actionGroupId
  }
}
