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

/// <summary>What a manager is to do at its first start for an authority that is elsewhere.</summary>
public sealed record AuthorityOptions
{
    /// <summary>The modulus of the authority's key (<see cref="AuthorityModulus"/>).</summary>
    public required ReadOnlyMemory<byte> Modulus { get; init; }

    /// <summary>As <see cref="ProvisioningOptions.PcrMask"/>.</summary>
    public uint PcrMask { get; init; } = ProvisioningOptions.DefaultPcrMask;

    /// <summary>As <see cref="ProvisioningOptions.Labels"/>.</summary>
    public IReadOnlyList<string>? Labels { get; init; }
}

/// <summary>
/// Makes a manager one that keeps what it is given. With a key of its own the machine is its own authority, by the same commands that an authority
/// elsewhere would send (GROUP_NEW, which gives group 0 its authority and identity; GROUP_UPDATE). For an authority elsewhere, whose private key is
/// nowhere near, the first configuration is one that nobody has signed: it says so by its number, 0, and any that the authority signs replaces it.
/// </summary>
internal static class ManagerProvisioning
{
    /// <param name="service">The manager.</param>
    /// <param name="options">How.</param>
    /// <param name="ways">What to admit where the options do not say: the labels of all that come by the ways that the manager has.</param>
    public static ProvisioningResult Provision(ManagerService service, ProvisioningOptions options, IReadOnlyList<string> ways)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckMask(options.PcrMask);
        if (service.Image.IsPersistent) return new ProvisioningResult(false, options.KeyPath, false);
        using RSA key = ApprovalKey.LoadOrCreate(options.KeyPath, out bool created);
        service.Log.Info(
            $"approval key {options.KeyPath} {(created ? "made" : "found")}: whoever has it decides which platforms open the manager's image; keep it, and keep it safe");

        if (!service.Image.Groups[0].HasAuthority()) GiveAuthority(service, AuthorityModulus.Of(key), TpmDigest.Of("vtpm up"u8));

        ulong sequence = (ulong)Math.Max(1, options.Time.GetUtcNow().ToUnixTimeSeconds());
        var platform = new PlatformConfiguration(options.PcrMask, service.Hardware.ReadComposite(options.PcrMask));
        byte[] group0 = new byte[sizeof(uint)];
        TpmDigest[] kernels = [.. (options.Labels ?? ways).Select(ManagerLink.Hash)];
        byte[] file = SignedConfiguration.Create(key, sequence, [platform], kernels, service.Image.Groups[0].Uuid);
        Send(service, VtpmManagerOrdinal.GroupUpdate, [.. group0, .. file]);
        CheckProtection(service);
        service.Log.Info(
            $"provisioned: the image opens with the present values of PCRs {PcrList.Describe(options.PcrMask)}, composite hash {platform.DigestRelease}");
        return new ProvisioningResult(true, options.KeyPath, created);
    }

    /// <summary>At the first start: the present PCRs open the image until the authority signs others.</summary>
    /// <returns>False when the manager was provisioned before, for the same authority.</returns>
    public static bool ProvisionFor(ManagerService service, AuthorityOptions options, IReadOnlyList<string> ways)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckMask(options.PcrMask);
        ManagerGroup group = service.Image.Groups[0];
        if (group.HasAuthority() && !group.SaaModulus.Span.SequenceEqual(options.Modulus.Span))
            throw new ManagerException(
                "group 0 of the manager's image has another authority than the one that was named. Nothing was changed. Choices: name the right image, "
                + "or the authority of this one ('vtpm approve modulus' writes it), or none: it is of use at the first start alone");
        if (service.Image.IsPersistent) return false;
        if (!group.HasAuthority()) GiveAuthority(service, options.Modulus, labelDigest: default);
        var platform = new PlatformConfiguration(options.PcrMask, service.Hardware.ReadComposite(options.PcrMask));
        group.SetConfiguration(sequence: 0, [platform], [.. (options.Labels ?? ways).Select(ManagerLink.Hash)]);
        if (service.SaveRevoking("provisioning") != TpmResult.Success)
        {
            service.Image.Rollback();
            throw new ManagerException("provisioning failed: the image was not saved; the log says why");
        }

        CheckProtection(service);
        service.Log.Info(
            $"provisioned: the image opens with the present values of PCRs {PcrList.Describe(options.PcrMask)}, composite hash {platform.DigestRelease}, "
            + "UNTIL THE AUTHORITY SIGNS OTHERS (group-update 0)");
        return true;
    }

    private static void CheckMask(uint mask)
    {
        if (mask >> PcrList.Count != 0) throw new ManagerException($"PCR mask 0x{mask:x}: PCRs are 0 to {PcrList.Count - 1}");
    }

    /// <summary>What was installed is durable, and all the same such a manager is of no use.</summary>
    private static void CheckProtection(ManagerService service)
    {
        if (service.RefusesSaves.Length > 0) throw new ManagerException($"the manager is provisioned, but saves nothing: {service.RefusesSaves}");
    }

    private static void GiveAuthority(ManagerService service, ReadOnlyMemory<byte> modulus, TpmDigest labelDigest) =>
        Send(service, VtpmManagerOrdinal.GroupNew, WireFormat.ToBytes(new VtpmGroupNewRequest { LabelDigest = labelDigest, SaaModulus = modulus }));

    private static void Send(ManagerService service, VtpmManagerOrdinal ordinal, byte[] parameters)
    {
        var link = ManagerLink.ToAdministrator();
        var header = new TpmHeader { Tag = TpmTag.VtpmReq2, ParamSize = (uint)(TpmHeader.Size + parameters.Length), Code = (uint)ordinal };
        byte[] response = new byte[TpmMessage.MaxLength];
        service.Handle(link, [.. WireFormat.ToBytes(header), .. parameters], response);
        if (WireFormat.Read(response.AsSpan(0, TpmHeader.Size), out TpmHeader answer) != TpmResult.Success || answer.ReturnCode != TpmResult.Success)
            throw new ManagerException($"provisioning failed at {ordinal}: TPM_{answer.ReturnCode}; the log says why");
    }
}
