using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Manager;

/// <summary>What an image is to be verified with.</summary>
public sealed record ImageVerificationOptions
{
    /// <summary>What the image is of; null is found out.</summary>
    public CheckedImage? Image { get; init; }

    /// <summary>The hardware TPM that a manager's image is sealed by, as its manager is given it; null looks at what is in clear.</summary>
    public ManagerOptions? Hardware { get; init; }

    /// <summary>What the manager keeps for a vTPM: its image's hash (20 bytes), or hash and key (52 or more).</summary>
    public ReadOnlyMemory<byte> HashKey { get; init; }
}

/// <summary>Verifies an image, changing neither it nor the hardware TPM.</summary>
public static class ImageVerification
{
    /// <summary>Verifies a manager's or a vTPM's image, as far as the keys allow.</summary>
    /// <exception cref="ManagerException">The hardware TPM cannot be used as it is.</exception>
    /// <exception cref="TpmTransportException">The hardware TPM cannot be reached.</exception>
    /// <exception cref="StorageException">The image cannot be read, or a manager or vTPM has it open.</exception>
    public static ImageReport Run(string path, ImageVerificationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using FileBlockStore store = FileBlockStore.OpenToRead(path);
        CheckedImage image = options.Image
            ?? (options.Hardware is not null || ManagerImageCheck.IsManagerImage(store) ? CheckedImage.Manager : CheckedImage.Vtpm);
        if (image != CheckedImage.Manager) return VtpmImageCheck.Run(store, options.HashKey.Span);
        if (options.Hardware is not { } hardware) return ManagerImageCheck.Run(store);

        using IHardwareTpm tpm = IHardwareTpm.Attach(hardware, new ManagerLog(hardware.Log));
        ImageReport report = ManagerImageCheck.Run(store, tpm, new KeyMaskArea(tpm));
        ImageFinding[] faults = [.. tpm.TakeUnsealFaults().Select(fault => new ImageFinding(ImageFindingKind.Note, fault))];
        return report with { Findings = [.. report.Findings, .. faults] };
    }
}
