using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Capability;

public struct GetCapabilityRequest : IWireStructure<GetCapabilityRequest>
{
    public TpmCapability CapArea;
    public ReadOnlyMemory<byte> SubCap;

    public static void Describe<TCodec>(ref TCodec wire, ref GetCapabilityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.CapArea);
        wire.Sized32(ref value.SubCap);
    }
}

public struct GetCapabilityResponse : IWireStructure<GetCapabilityResponse>
{
    public ReadOnlyMemory<byte> Resp;

    public static void Describe<TCodec>(ref TCodec wire, ref GetCapabilityResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.Resp);
}

/// <summary><c>TPM_GetCapability</c>, Part 3 §7.1: what this TPM is, can, and has. The areas are those of Part 2 §21.1.</summary>
/// <remarks>
/// An area or subcap without meaning, one of a wrong length too, is TPM_BAD_MODE, which tools take for "an older TPM"; a structure that cannot be
/// read is TPM_BAD_PARAMETER; an unknown member of a list that is asked for with yes or no is no (Part 2 §21.1 rule 3).
/// </remarks>
public sealed class GetCapability()
    : TpmCommand<GetCapabilityRequest, GetCapabilityResponse>(
        TpmOrdinal.GetCapability, Sessions.None, Availability.Always | Availability.Failed, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in GetCapabilityRequest request, ref GetCapabilityResponse response)
    {
        if (tpm.State.Failed && !IsForFailureMode(request)) return FailedSelfTest;
        ReadOnlySpan<byte> subCap = request.SubCap.Span;
        switch (request.CapArea)
        {
            case TpmCapability.Version:
                response.Resp = WireFormat.ToBytes(TpmStructVer.Version11);
                return Success;
            case TpmCapability.VersionVal:
                response.Resp = WireFormat.ToBytes(tpm.Platform.Profile.VersionInfo);
                return Success;
            case TpmCapability.Mfr:
                // Nothing to add to what the other areas say.
                response.Resp = default;
                return Success;
            case TpmCapability.KeyHandle:
                return CapabilityLists.Handles(tpm, TpmResourceType.Key, out response.Resp);
            case TpmCapability.NvList:
                response.Resp = CapabilityLists.NvIndexes(tpm.Permanent.Nv);
                return Success;
            case TpmCapability.CheckLoaded:
                return CheckLoaded(tpm, subCap, out response.Resp);
            case TpmCapability.SelectSize:
                return SelectSize(subCap, out response.Resp);
            default:
                return CapabilityValue.TryNumber(subCap, out uint number) ? Numbered(tpm, request.CapArea, number, out response.Resp) : BadMode;
        }
    }

    /// <summary>The areas whose subcap is a number.</summary>
    private static TpmResult Numbered(CommandContext tpm, TpmCapability area, uint number, out ReadOnlyMemory<byte> resp)
    {
        resp = default;
        switch (area)
        {
            case TpmCapability.Flag:
                return Flags(tpm, (TpmCapabilityFlag)number, out resp);
            case TpmCapability.Property:
                return CapabilityProperties.Read(tpm, (TpmCapabilityProperty)number, out resp);
            case TpmCapability.Handle:
                return CapabilityLists.Handles(tpm, (TpmResourceType)number, out resp);
            case TpmCapability.NvIndex:
                if (NvAccess.Find(tpm, number) is not { } nvArea) return BadIndex;
                resp = WireFormat.ToBytes(NvAccess.Describe(tpm, nvArea));
                return Success;
            case TpmCapability.KeyStatus:
                if (tpm.FindKey(number, out LoadedKey key) != Success) return InvalidKeyHandle;
                resp = CapabilityValue.Of(key.OwnerEvict);
                return Success;
            case TpmCapability.DALogic:
                return DictionaryAttackInfo.Read(tpm, number, out resp);
            default:
                if (Supports(tpm, area, number) is not { } supports) return BadMode;
                resp = CapabilityValue.Of(supports);
                return Success;
        }
    }

    /// <summary>The areas that are asked with yes or no; null for any other.</summary>
    private static bool? Supports(CommandContext tpm, TpmCapability area, uint number) => area switch
    {
        TpmCapability.Ord => tpm.Commands.Find((TpmOrdinal)number, out _) == Success,
        TpmCapability.Alg => (TpmAlgorithmId)number is TpmAlgorithmId.Rsa or TpmAlgorithmId.Sha or TpmAlgorithmId.Hmac or TpmAlgorithmId.Aes128
            or TpmAlgorithmId.Mgf1 or TpmAlgorithmId.Xor,
        TpmCapability.Pid => number is >= (uint)TpmProtocolId.Oiap and <= (uint)TpmProtocolId.Transport,
        TpmCapability.TransAlg => (TpmAlgorithmId)number is TpmAlgorithmId.Mgf1 or TpmAlgorithmId.Aes128,
        TpmCapability.TransES => (TpmEncScheme)number is TpmEncScheme.SymCtr or TpmEncScheme.SymOfb && number <= ushort.MaxValue,
        TpmCapability.AuthEncrypt => (TpmAlgorithmId)number is TpmAlgorithmId.Xor or TpmAlgorithmId.Aes128,
        // A TPM that has no command to encrypt data with a symmetric key has none of its modes.
        TpmCapability.SymMode => false,
        _ => null,
    };

    /// <summary>Action 3: what tells a maker that his TPM is broken, and a driver how long to wait.</summary>
    private static bool IsForFailureMode(in GetCapabilityRequest request) => request.CapArea switch
    {
        TpmCapability.Version or TpmCapability.VersionVal or TpmCapability.Mfr => true,
        TpmCapability.Property => CapabilityValue.TryNumber(request.SubCap.Span, out uint property)
            && (TpmCapabilityProperty)property is TpmCapabilityProperty.Manufacturer or TpmCapabilityProperty.Duration or TpmCapabilityProperty.TisTimeout,
        _ => false,
    };

    private static TpmResult Flags(CommandContext tpm, TpmCapabilityFlag flags, out ReadOnlyMemory<byte> resp)
    {
        resp = flags switch
        {
            TpmCapabilityFlag.Permanent => WireFormat.ToBytes(tpm.PermanentFlags),
            TpmCapabilityFlag.Volatile => WireFormat.ToBytes(tpm.StClearFlags),
            _ => default,
        };
        return resp.IsEmpty ? BadMode : Success;
    }

    /// <summary>Whether a key of these parameters could be loaded now.</summary>
    private static TpmResult CheckLoaded(CommandContext tpm, ReadOnlySpan<byte> subCap, out ReadOnlyMemory<byte> resp)
    {
        resp = default;
        if (WireFormat.Read(subCap, out TpmKeyParms parms) != Success) return BadParameter;
        bool fits = tpm.State.Keys.Count < tpm.Platform.Profile.KeySlots;
        resp = CapabilityValue.Of(fits && KeyParameters.ReadRsa(parms, out _) == Success);
        return Success;
    }

    private static TpmResult SelectSize(ReadOnlySpan<byte> subCap, out ReadOnlyMemory<byte> resp)
    {
        resp = default;
        if (WireFormat.Read(subCap, out TpmSelectSize size) != Success) return BadParameter;
        resp = CapabilityValue.Of(size is { Major: 1, Minor: 1 or 2, ReqSize: >= 1 and <= PcrBank.Count / 8 });
        return Success;
    }
}
