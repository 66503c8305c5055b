using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>A group's identity key, its recovery, and the hardware TPM.</content>
public sealed partial class VtpmManagement
{
    /// <summary>
    /// <c>VTPM_ORD_GROUP_ACTIVATE</c>: TPM_ActivateIdentity with the group's identity key. What it releases is the caller's to zero.
    /// </summary>
    /// <param name="group">The index of the group.</param>
    /// <param name="blob">What the privacy CA has encrypted to the hardware TPM's endorsement key.</param>
    /// <returns>The key that the privacy CA has encrypted the credential with.</returns>
    public TpmSymmetricKey ActivateGroup(uint group, ReadOnlyMemory<byte> blob) => _client.Manage<VtpmGroupActivateRequest, TpmSymmetricKey>(
        VtpmManagerOrdinal.GroupActivate, new VtpmGroupActivateRequest { Group = group, Blob = blob });

    /// <summary><c>GROUP_IDENTITY</c>, ours: another identity key for an open group.</summary>
    public VtpmGroupIdentityResponse NewGroupIdentity(uint group, TpmDigest labelDigest = default) => _client.Manage<VtpmGroupIdentityRequest, VtpmGroupIdentityResponse>(
        VtpmManagerOrdinal.GroupIdentity, new VtpmGroupIdentityRequest { Group = group, LabelDigest = labelDigest });

    /// <summary><c>VTPM_ORD_GROUP_QUOTE</c>: a quote by the group's identity key that speaks for no vTPM.</summary>
    public VtpmGroupQuoteResponse QuoteGroup(uint group, TpmNonce nonce, TpmPcrSelection selection) => _client.Manage<VtpmGroupQuoteRequest, VtpmGroupQuoteResponse>(
        VtpmManagerOrdinal.GroupQuote, new VtpmGroupQuoteRequest { Group = group, Nonce = nonce, PcrSelection = selection });

    /// <summary>
    /// <c>VTPM_ORD_GROUP_REGISTER</c>: gives a group's keys to its authority, so that it can recover the group; only in the life of the manager that
    /// made
    /// them.
    /// </summary>
    public VtpmGroupRegisterResponse RegisterGroup(VtpmGroupRegisterRequest request) =>
        _client.Manage<VtpmGroupRegisterRequest, VtpmGroupRegisterResponse>(VtpmManagerOrdinal.GroupRegister, request);

    /// <summary><c>VTPM_ORD_GROUP_RECOVER1</c>: the closed group's manager shows its authority which platform it runs on.</summary>
    public VtpmGroupRecover1Response BeginRecovery(VtpmGroupRecover1Request request) =>
        _client.Manage<VtpmGroupRecover1Request, VtpmGroupRecover1Response>(VtpmManagerOrdinal.GroupRecover1, request);

    /// <summary><c>VTPM_ORD_GROUP_RECOVER2</c>: opens the group with what its authority has answered.</summary>
    public void FinishRecovery(VtpmGroupRecover2Request request) => Command(VtpmManagerOrdinal.GroupRecover2, request);

    /// <summary>TPM_MakeIdentity on the hardware TPM; the layout is ours.</summary>
    /// <param name="labelDigest">The TPM_CHOSENID_HASH of the privacy CA.</param>
    /// <param name="identityAuth">The key's secret; recovery wants zeroes.</param>
    public VtpmMakeIdentityResponse MakeIdentity(TpmDigest labelDigest = default, TpmAuthData identityAuth = default) =>
        _client.Manage<VtpmMakeIdentityRequest, VtpmMakeIdentityResponse>(
            VtpmManagerOrdinal.TpmMakeIdentity,
            new VtpmMakeIdentityRequest { IdentityAuth = identityAuth, LabelDigest = labelDigest, IdKeyParams = TpmKeys.Identity });

    /// <summary>TPM_ActivateIdentity on the hardware TPM; the layout is ours. What it releases is the caller's to zero.</summary>
    public TpmSymmetricKey ActivateIdentity(TpmKey identity, ReadOnlyMemory<byte> blob, TpmAuthData identityAuth = default) =>
        _client.Manage<VtpmActivateIdentityRequest, TpmSymmetricKey>(
            VtpmManagerOrdinal.TpmActivateIdentity, new VtpmActivateIdentityRequest { IdKey = identity, IdentityAuth = identityAuth, Blob = blob });

    /// <summary>TPM_OwnerReadInternalPub of the endorsement key, on the hardware TPM; the layout is ours.</summary>
    public TpmPubKey ReadEndorsementKey() => _client.Manage<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek, default);

    /// <summary>TPM_NV_DefineSpace on the hardware TPM; the layout is ours. A size of zero deletes the area.</summary>
    public void NvDefineSpace(TpmNvDataPublic area, TpmAuthData areaAuth = default) =>
        Command(VtpmManagerOrdinal.TpmNvDefineSpace, new VtpmNvDefineSpaceRequest { PubInfo = area, AreaAuth = areaAuth });

    /// <summary>TPM_NV_WriteValue on the hardware TPM; the layout is ours.</summary>
    public void NvWriteValue(uint nvIndex, uint offset, ReadOnlyMemory<byte> data) =>
        Command(VtpmManagerOrdinal.TpmNvWriteValue, new VtpmNvWriteValueRequest { NvIndex = nvIndex, Offset = offset, Data = data });

    /// <summary>TPM_NV_ReadValue on the hardware TPM; the layout is ours.</summary>
    public ReadOnlyMemory<byte> NvReadValue(uint nvIndex, uint offset, uint size) => _client.Manage<VtpmNvReadValueRequest, VtpmNvReadValueResponse>(
        VtpmManagerOrdinal.TpmNvReadValue, new VtpmNvReadValueRequest { NvIndex = nvIndex, Offset = offset, DataSize = size }).Data;
}
