using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>How a manager is to be provisioned.</summary>
public sealed record ProvisioningOptions
{
    /// <summary>
    /// What the default approves: PCRs 0-7, which the firmware measures itself and the boot loader into, and 17-19, which a measured launch fills.
    /// </summary>
    public const uint DefaultPcrMask = 0x000E00FF;

    /// <summary>Where the approval key is, or is to be made (mode 0600).</summary>
    public required string KeyPath { get; init; }

    /// <summary>Bit n for PCR n: with the present values of these the image will open, and with no others.</summary>
    public uint PcrMask { get; init; } = DefaultPcrMask;

    /// <summary>Labels of the vTPMs that group 0 admits; null for all that come by the ways that this manager has.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Numbers the configuration; a later one has to have a higher number.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>What provisioning did.</summary>
/// <param name="Done">False when the manager was provisioned before.</param>
/// <param name="KeyPath">Where the approval key is.</param>
/// <param name="KeyCreated">Whether it was made now.</param>
public sealed record ProvisioningResult(bool Done, string KeyPath, bool KeyCreated);

/// <summary>
/// Makes this machine its own authority, for those who have none: an approval key, the present PCRs approved with it. The same commands that an
/// authority elsewhere would send (GROUP_NEW, which gives group 0 its authority and identity; GROUP_UPDATE).
/// </summary>
internal static class ManagerProvisioning
{
    /// <param name="service">The manager.</param>
    /// <param name="options">How.</param>
    /// <param name="ways">What to admit where the options do not say: the labels of all that come by the ways that the manager has.</param>
    public static ProvisioningResult Provision(ManagerService service, ProvisioningOptions options, IReadOnlyList<string> ways)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.PcrMask >> PcrList.Count != 0)
            throw new ManagerException($"PCR mask 0x{options.PcrMask:x}: PCRs are 0 to {PcrList.Count - 1}");
        if (service.Image.IsPersistent) return new ProvisioningResult(false, options.KeyPath, false);
        using RSA key = ApprovalKey.LoadOrCreate(options.KeyPath, out bool created);
        service.Log.Info(
            $"approval key {options.KeyPath} {(created ? "made" : "found")}: whoever has it decides which platforms open the manager's image; keep it, and keep it safe");

        var administrator = ManagerLink.ToAdministrator();
        if (!service.Image.Groups[0].HasAuthority())
        {
            byte[] modulus = key.ExportParameters(includePrivateParameters: false).Modulus!;
            Send(service, administrator, VtpmManagerOrdinal.GroupNew, WireFormat.ToBytes(new VtpmGroupNewRequest { LabelDigest = TpmDigest.Of("vtpm up"u8), SaaModulus = modulus }));
        }

        ulong sequence = (ulong)Math.Max(1, options.Time.GetUtcNow().ToUnixTimeSeconds());
        var platform = new PlatformConfiguration(options.PcrMask, service.Hardware.ReadComposite(options.PcrMask));
        byte[] group0 = new byte[sizeof(uint)];
        TpmDigest[] kernels = [.. (options.Labels ?? ways).Select(ManagerLink.Hash)];
        byte[] file = SignedConfiguration.Create(key, sequence, [platform], kernels, service.Image.Groups[0].Uuid);
        Send(service, administrator, VtpmManagerOrdinal.GroupUpdate, [.. group0, .. file]);
        service.Log.Info(
            $"provisioned: the image opens with the present values of PCRs {PcrList.Describe(options.PcrMask)}, composite hash {platform.DigestRelease}");
        return new ProvisioningResult(true, options.KeyPath, created);
    }

    private static void Send(ManagerService service, ManagerLink link, VtpmManagerOrdinal ordinal, byte[] parameters)
    {
        var header = new TpmHeader { Tag = TpmTag.VtpmReq2, ParamSize = (uint)(TpmHeader.Size + parameters.Length), Code = (uint)ordinal };
        byte[] response = new byte[TpmMessage.MaxLength];
        service.Handle(link, [.. WireFormat.ToBytes(header), .. parameters], response);
        if (WireFormat.Read(response.AsSpan(0, TpmHeader.Size), out TpmHeader answer) != TpmResult.Success || answer.ReturnCode != TpmResult.Success)
            throw new ManagerException($"provisioning failed at {ordinal}: TPM_{answer.ReturnCode}; the log says why");
    }
}
