package wandb

import (
	"cmp"
	"strings"
)

// typeObject says which fields a type has: clients of some years ago ask before they
// use one.
func typeObject(name string) object {
	fields, ok := types[name]
	if !ok {
		return nil
	}
	list := []object{}
	for _, f := range strings.Fields(fields) {
		list = append(list, object{"name": f, "args": []object{}})
	}
	o := object{"__typename": "__Type", "name": name, "fields": []object{}, "inputFields": []object{}}
	o[cmp.Or(map[bool]string{true: "inputFields"}[strings.HasSuffix(name, "Input")], "fields")] = list
	return o
}

var types = map[string]string{
	"Query":                        "viewer project model models entity artifact serverInfo clientIDMapping artifactCollection",
	"Mutation":                     "upsertBucket createRunFiles createArtifact createArtifactManifest updateArtifactManifest createArtifactFiles commitArtifact useArtifact updateArtifact addAliases deleteAliases deleteArtifact deleteRun stopRun rewindRun deleteFiles linkArtifact unlinkArtifact updateArtifactSequence updateArtifactPortfolio moveArtifactSequence deleteArtifactSequence deleteArtifactPortfolio createArtifactCollectionTagAssignments deleteArtifactCollectionTagAssignments notifyScriptableRunAlert upsertModel",
	"ServerInfo":                   "cliVersionInfo latestLocalVersionInfo features",
	"ServerSettings":               "",
	"Artifact":                     "id digest state files currentManifest aliases tags ttlDurationSeconds ttlIsInherited historyStep",
	"Run":                          "id name project files historyKeys wandbConfig internalId projectId",
	"Project":                      "id name internalId runs run artifact artifactType artifactCollection",
	"CreateArtifactInput":          "entityName projectName runName description digest digestAlgorithm labels aliases metadata artifactTypeName artifactCollectionName artifactCollectionNames historyStep enableDigestDeduplication distributedID clientID sequenceClientID ttlDurationSeconds tags",
	"CreateArtifactFileSpecInput":  "artifactID name md5 mimetype artifactManifestID uploadPartsInput",
	"AddAliasesInput":              "artifactID aliases",
	"DeleteFilesInput":             "files entityName projectName",
	"UseArtifactInput":             "entityName projectName runName artifactID",
	"CreateArtifactManifestInput":  "artifactID name digest entityName projectName runName baseArtifactID type",
	"UpdateArtifactManifestInput":  "artifactManifestID digest baseArtifactID",
	"UpsertBucketInput":            "id name groupName modelName entityName description displayName notes config commit host debug jobProgram jobRepo jobType state sweep tags summaryMetrics",
	"CreateArtifactFilesInput":     "artifactFiles storageLayout",
	"ArtifactCollectionMembership": "id artifact artifactCollection aliases versionIndex files",
}
